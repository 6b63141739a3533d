import type { EnvironmentFile } from '../../../lambda/policy/environment.ts';
import { exampleOrganization, exampleTeams } from '../../../local/demo/example-teams.ts';

/** An environment named `dev`, independent of config/. */
export default { organization: exampleOrganization, teams: exampleTeams } satisfies EnvironmentFile;
