import type { EnvironmentFile } from '../../lambda/core/environment.ts';
import { organization, teams } from '../teams.ts';

/** Production. */
export default { organization, teams } satisfies EnvironmentFile;
