import { describe, expect, it } from 'vitest';
import { RETRY_NOW, retryLostRaces } from '../../../../lambda/kernel/io/retry.ts';

const BOUNDS = { attempts: 3, pauseMs: 0 };

describe('retryLostRaces', () => {
  it.each<[string, readonly (string | typeof RETRY_NOW | undefined)[], string | undefined, number]>([
    ['returns the first result', ['first', 'second'], 'first', 1],
    ['repeats an attempt that lost a race', [undefined, 'second'], 'second', 2],
    ['repeats an attempt that made progress', [RETRY_NOW, RETRY_NOW, 'third'], 'third', 3],
    ['gives up after its last attempt', [undefined, RETRY_NOW, undefined, 'late'], undefined, 3],
  ])('%s', async (_what, results, expected, attempts) => {
    let made = 0;
    expect(await retryLostRaces(BOUNDS, async () => results[made++])).toBe(expected);
    expect(made).toBe(attempts);
  });

  it('passes a failure on', async () => {
    await expect(retryLostRaces(BOUNDS, async () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
  });
});
