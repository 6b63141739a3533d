import type { Progress } from '../progress.ts';

/** One run of the command line. Commands that check something set the exit code to 1 when the check fails. */
export type CliRun = { readonly progress: Progress; exitCode: number };
