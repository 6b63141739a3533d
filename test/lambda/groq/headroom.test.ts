import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headroom, type Priority } from '../../../lambda/groq/headroom.ts';
import type { RateLimitLevel, RateLimitReading } from '../../../lambda/groq/rate-limit-reading.ts';

const MODEL = 'openai/gpt-oss-20b';
const NOW_MS = 1_764_000_000_000;
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'batch'];
const tokens = (remaining: number, perWindow = 250_000): RateLimitReading => ({ tokens: { perWindow, remaining } });

function observing(...readings: RateLimitReading[]) {
  const headroom = new Headroom();
  for (const reading of readings) headroom.observe(MODEL, reading, NOW_MS);
  const waits = (atMs = NOW_MS, model = MODEL) =>
    PRIORITIES.map((priority) => headroom.shortage(model, priority, atMs)?.retryAfterMs);
  return { headroom, waits };
}

describe('the shortage', () => {
  it.each<[string, RateLimitReading, (number | undefined)[]]>([
    ['all is free', tokens(250_000), [undefined, undefined, undefined]],
    ['a quarter is free', tokens(62_500), [undefined, undefined, undefined]],
    ['one token less than a quarter is free', tokens(62_499), [undefined, undefined, 1]],
    ['12 % is free: a batch waits for 13 % of a minute', tokens(30_000), [undefined, undefined, 7_800]],
    ['a tenth is free', tokens(25_000), [undefined, undefined, 9_000]],
    ['4 % is free', tokens(10_000), [undefined, 3_600, 12_600]],
    ['nothing is free', tokens(0), [undefined, 6_000, 15_000]],
    [
      'the day has 20 % of its requests left: 5 % of a day',
      { requests: { perWindow: 14_400, remaining: 2_880 } },
      [undefined, undefined, 4_320_000],
    ],
    [
      'both are low: the longer wait counts',
      { requests: { perWindow: 1_000, remaining: 249 }, ...tokens(0) },
      [undefined, 6_000, 86_400],
    ],
    [
      'the upstream has shorter windows than Groq',
      { requests: { perWindow: 100, remaining: 0, resetAfterMs: 60_000 } },
      [undefined, 6_000, 15_000],
    ],
    [
      'a reset time is longer than the window, so it is ignored',
      { tokens: { perWindow: 1_000, remaining: 0, resetAfterMs: 3_600_000 } },
      [undefined, 6_000, 15_000],
    ],
    ['nothing is reported', {}, [undefined, undefined, undefined]],
  ])('when %s', (_title, reading, waits) => {
    expect(observing(reading).waits()).toEqual(waits);
  });

  it('is separate for each model, and undefined before the first response', () => {
    expect(observing(tokens(0)).waits(NOW_MS, 'another')).toEqual([undefined, undefined, undefined]);
  });

  it('follows the last reading', () => {
    expect(observing(tokens(0), tokens(250_000)).waits()).toEqual([undefined, undefined, undefined]);
  });

  it('names the limit that is short, and its level', () => {
    expect(observing(tokens(30_000)).headroom.shortage(MODEL, 'batch', NOW_MS + 1_000)).toEqual({
      retryAfterMs: 6_800,
      low: { limit: 'tokens', perWindow: 250_000, freePercent: 13, countsInFlight: false },
    });
  });

  it('forgets all models at the maximum number', () => {
    const { headroom, waits } = observing(tokens(0));
    for (let n = 0; n < 200; n++) headroom.observe(`model-${n}`, tokens(0), NOW_MS);
    expect(waits()).toEqual([undefined, undefined, undefined]);
  });
});

describe('a 429 of Groq', () => {
  const refused = (by: 'tokens' | undefined, more: RateLimitReading = {}): RateLimitReading => ({
    ...more,
    refused: { retryAfterMs: 8_000, by },
  });
  it.each<[string, RateLimitReading, (number | undefined)[]]>([
    [
      'without levels holds back all but high priority until its retry-after',
      refused('tokens'),
      [undefined, 8_000, 8_000],
    ],
    ['by an unreported limit does so too', refused(undefined, tokens(250_000)), [undefined, 8_000, 8_000]],
    ['by a reported limit holds back batch only', refused('tokens', tokens(40_000)), [undefined, undefined, 8_000]],
    ['with low levels holds back for the longer time', refused('tokens', tokens(0)), [undefined, 6_000, 15_000]],
  ])('%s', (_title, reading, waits) => {
    expect(observing(reading).waits()).toEqual(waits);
  });

  it('ends at its retry-after, even if Groq reports levels in between', () => {
    const { waits } = observing(refused(undefined), tokens(250_000));
    expect(waits(NOW_MS + 7_999)).toEqual([undefined, 1, 1]);
    expect(waits(NOW_MS + 8_000)).toEqual([undefined, undefined, undefined]);
  });

  it('by an unreported limit holds calls back for a minute at most', () => {
    const { waits } = observing({ refused: { retryAfterMs: 7_200_000, by: undefined } });
    expect(waits()).toEqual([undefined, 60_000, 60_000]);
  });

  it('by an unreported limit ends once Groq has served another call', () => {
    const { waits } = observing(refused(undefined), { ...tokens(250_000), isServed: true });
    expect(waits()).toEqual([undefined, undefined, undefined]);
  });

  it('by a reported limit does not end for batch when Groq serves a smaller call', () => {
    const { waits } = observing(refused('tokens', tokens(250_000)), { ...tokens(250_000), isServed: true });
    expect(waits()).toEqual([undefined, undefined, 8_000]);
  });

  it('holds calls back for a day at most', () => {
    const { waits } = observing({ ...tokens(250_000), refused: { retryAfterMs: 1e15, by: 'tokens' } });
    expect(waits()).toEqual([undefined, undefined, 86_400_000]);
  });
});

describe('calls in flight', () => {
  it('count against batch until Groq has reported their tokens', () => {
    const { headroom, waits } = observing(tokens(250_000));
    const end = headroom.start(MODEL, 200_000);
    expect(waits()).toEqual([undefined, undefined, 3_000]);
    end();
    expect(waits()).toEqual([undefined, undefined, undefined]);
  });

  it('count as the whole bucket at most, so that batch never waits longer than for an empty one', () => {
    const { headroom, waits } = observing(tokens(250_000));
    headroom.start(MODEL, 10_000_000);
    expect(waits(NOW_MS + 5_000)).toEqual([undefined, undefined, 15_000]);
  });

  it('make the wait exact if they use all their tokens', () => {
    const { headroom, waits } = observing(tokens(100_000));
    const end = headroom.start(MODEL, 70_000);
    const [, , wait = 0] = waits();
    end();
    headroom.observe(MODEL, tokens(30_000), NOW_MS);
    expect(waits()).toEqual([undefined, undefined, wait]);
  });
});

describe('for any reading', () => {
  const levels = (): fc.Arbitrary<RateLimitLevel> =>
    fc
      .record({ perWindow: fc.integer({ min: 1, max: 1e9 }), share: fc.double({ min: 0, max: 1, noNaN: true }) })
      .chain(({ perWindow, share }) =>
        fc.record(
          {
            perWindow: fc.constant(perWindow),
            remaining: fc.constant(Math.floor(perWindow * share)),
            resetAfterMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
          },
          { requiredKeys: ['perWindow', 'remaining'] },
        ),
      );
  const readings = fc.array(
    fc.record(
      {
        requests: levels(),
        tokens: levels(),
        refused: fc.record({
          retryAfterMs: fc.integer({ min: 0, max: 600_000 }),
          by: fc.constantFrom('requests' as const, 'tokens' as const, undefined),
        }),
        isServed: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    { minLength: 1, maxLength: 4 },
  );
  const elapsedMs = fc.integer({ min: 0, max: 100_000 });

  it('a call passes at its retry-after, and not one millisecond before', () => {
    fc.assert(
      fc.property(readings, elapsedMs, (observed, elapsed) => {
        const { headroom } = observing(...observed);
        for (const priority of PRIORITIES) {
          const wait = headroom.shortage(MODEL, priority, NOW_MS + elapsed)?.retryAfterMs;
          if (wait === undefined) continue;
          expect(Number.isInteger(wait) && wait > 0).toBe(true);
          expect(headroom.shortage(MODEL, priority, NOW_MS + elapsed + wait)).toBeUndefined();
          expect(headroom.shortage(MODEL, priority, NOW_MS + elapsed + wait - 1)).toMatchObject({ retryAfterMs: 1 });
        }
      }),
    );
  });

  it('high priority is never held back, nor a higher priority while a lower one passes', () => {
    fc.assert(
      fc.property(readings, elapsedMs, fc.integer({ min: 0, max: 1e9 }), (observed, elapsed, inFlightTokens) => {
        const { headroom } = observing(...observed);
        headroom.start(MODEL, inFlightTokens);
        const [high, normal, batch] = PRIORITIES.map(
          (priority) => headroom.shortage(MODEL, priority, NOW_MS + elapsed)?.retryAfterMs ?? 0,
        );
        expect(high).toBe(0);
        expect(batch).toBeGreaterThanOrEqual(normal ?? 0);
      }),
    );
  });
});
