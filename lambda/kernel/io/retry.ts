import { setTimeout as sleep } from 'node:timers/promises';

/** Bounds of a retry: how many attempts, and the longest pause after the first one, in milliseconds. */
export type RetryBounds = { readonly attempts: number; readonly pauseMs: number };

/**
 * Repeats an attempt that lost a race until it returns something, with a random pause that grows with each attempt;
 * undefined when every attempt lost.
 */
export async function retryLostRaces<T>(
  { attempts, pauseMs }: RetryBounds,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let made = 1; made <= attempts; made++) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (made < attempts) await pauseUpTo(pauseMs * made);
  }
  return undefined;
}

/** Pauses for a random time up to a limit, so that writers who collided do not collide again. */
export async function pauseUpTo(limitMs: number): Promise<void> {
  await sleep(Math.random() * limitMs);
}
