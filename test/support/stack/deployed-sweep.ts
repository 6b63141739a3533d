import { expect } from 'vitest';
import { invokeFunction } from './deployed-function.ts';

/** Alarms follow a sweep's metrics, which the emulator reads from its log: on a busy machine with the next invocation. */
const ALARM_TIMEOUT_MS = 60_000;

/** Runs the deployed sweep once. */
export async function sweep(): Promise<void> {
  expect(await invokeFunction('SweeperFunction')).toMatchObject({ status: 200, error: null });
}

/** Sweeps until alarms have the expected states. */
export async function sweepUntil(readStates: () => Promise<unknown>, expected: unknown): Promise<void> {
  const sweepAndRead = async () => {
    await sweep();
    return await readStates();
  };
  await expect.poll(sweepAndRead, { timeout: ALARM_TIMEOUT_MS, interval: 200 }).toEqual(expected);
}
