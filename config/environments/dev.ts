import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { organization, teams } from '../teams.ts';

/** Development: the environment that `npm start` runs by default. */
export default { organization, teams } satisfies EnvironmentFile;
