import type { EnvironmentFile } from '../../lambda/policy/environment.ts';
import { organization, teams } from '../teams.ts';

/** Development: what `npm start` runs unless told otherwise. */
export default { organization, teams } satisfies EnvironmentFile;
