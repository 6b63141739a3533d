import { setTimeout as sleep } from 'node:timers/promises';

/** Bounds of a retry: the number of attempts, and the longest pause after the first one, in milliseconds. */
export type RetryBounds = { readonly attempts: number; readonly pauseMs: number };

/** Returned by an attempt that made progress: the next attempt follows without a pause. */
export const RETRY_NOW = Symbol('retry now');

/** The cap of a pause's growth: the longest pause is this multiple of the first. */
const MAX_PAUSE_FACTOR = 8;

/**
 * Repeats an attempt that lost a race until it returns a result, with a random pause that grows with each attempt.
 * Returns undefined when every attempt lost.
 */
export async function retryLostRaces<T>(
  { attempts, pauseMs }: RetryBounds,
  attempt: () => Promise<T | typeof RETRY_NOW | undefined>,
): Promise<T | undefined> {
  for (let made = 1; made <= attempts; made++) {
    const result = await attempt();
    if (result === RETRY_NOW) continue;
    if (result !== undefined) return result;
    if (made < attempts) await pauseUpTo(pauseMs * Math.min(made, MAX_PAUSE_FACTOR));
  }
  return undefined;
}

/** Pauses for a random time up to a limit, so that writers that collided do not collide again. */
export async function pauseUpTo(limitMs: number): Promise<void> {
  await sleep(Math.random() * limitMs);
}
