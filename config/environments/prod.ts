import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { organization, teams } from '../teams.ts';

/** Production. The guide's example of a key, `chatbot-prod`, has 500 requests a minute, and no key is wider than its team. */
export default {
  organization,
  teams: { ...teams, chatbot: { ...teams.chatbot, rateLimitRpm: 500 } },
} satisfies EnvironmentFile;
