import { setTimeout as sleep } from 'node:timers/promises';
import { MS_PER_DAY } from '../../lambda/kernel/period.ts';
import { StartError } from '../settings.ts';
import { Rehearsal } from './rehearsal.ts';
import { startRehearsalAccount } from './rehearsal-account.ts';

/*
 * npm run rehearse: deploys the whole stack into an emulated AWS on this machine with the commands that a person types,
 * and tests it: as first deployed, after a change of policies, after deployments that must fail, and after `cdk destroy`.
 * --verbose prints the output of all commands.
 */

/** Duration of a rehearsal on a busy machine. */
const MAX_DURATION_MS = 20 * 60_000;
const VERBOSE = process.argv.includes('--verbose');

function printOutput(text: string): void {
  if (VERBOSE) process.stdout.write(text);
}

/**
 * Waits if midnight UTC would fall into the rehearsal. Daily quotas and weeks would start again in the middle of it, and on
 * the last day of a month all budgets.
 */
async function avoidMidnight(): Promise<void> {
  const remainingMs = MS_PER_DAY - (Date.now() % MS_PER_DAY);
  if (remainingMs > MAX_DURATION_MS) return;
  console.log(
    `waiting ${Math.ceil(remainingMs / 60_000)} minutes for midnight UTC, when budgets and quotas start again`,
  );
  await sleep(remainingMs + 1_000);
}

async function main(): Promise<void> {
  await avoidMidnight();
  // On exit, the emulator, its functions, its files and a running command end with this process.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const aws = await startRehearsalAccount(printOutput);
  const rehearsal = new Rehearsal(aws);
  await rehearsal.run();
  await aws.close();
  const { passed, failed } = rehearsal.steps;
  console.log(`rehearsal: ${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? `error: ${error.message}` : error);
  process.exit(1);
});
