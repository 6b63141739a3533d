import type { EnvironmentFile } from '../../../lambda/policy/environment.ts';
import { exampleOrganization, exampleTeams } from '../../../local/demo/example-teams.ts';

/** An environment named `prod`, independent of config/. It allows the guide's example key 500 requests a minute. */
export default {
  organization: exampleOrganization,
  teams: { ...exampleTeams, chatbot: { ...exampleTeams.chatbot, rateLimitRpm: 500 } },
} satisfies EnvironmentFile;
