import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headroom, type Priority } from '../../../lambda/groq/headroom.ts';
import type { RateLimitLevel, RateLimitReading } from '../../../lambda/groq/rate-limit-reading.ts';

const MODEL = 'openai/gpt-oss-20b';
const NOW_MS = 1_764_000_000_000;
const PRIORITIES: readonly Priority[] = ['high', 'normal', 'batch'];
const tokens = (remaining: number, perWindow = 250_000): RateLimitReading => ({ tokens: { perWindow, remaining } });

function told(...readings: RateLimitReading[]) {
  const headroom = new Headroom();
  for (const reading of readings) headroom.observe(MODEL, reading, NOW_MS);
  const waits = (atMs = NOW_MS, model = MODEL) =>
    PRIORITIES.map((priority) => headroom.shortage(model, priority, atMs)?.retryAfterMs);
  return { headroom, waits };
}

describe("what is left of Groq's limits", () => {
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
      'a time to refill is longer than the window, so it is not believed',
      { tokens: { perWindow: 1_000, remaining: 0, resetAfterMs: 3_600_000 } },
      [undefined, 6_000, 15_000],
    ],
    ['nothing is told', {}, [undefined, undefined, undefined]],
  ])('when %s', (_what, reading, waits) => {
    expect(told(reading).waits()).toEqual(waits);
  });

  it('is another for each model, and unknown before the first answer', () => {
    expect(told(tokens(0)).waits(NOW_MS, 'another')).toEqual([undefined, undefined, undefined]);
  });

  it('is what Groq said last', () => {
    expect(told(tokens(0), tokens(250_000)).waits()).toEqual([undefined, undefined, undefined]);
  });

  it('names what is short, by how much it is', () => {
    expect(told(tokens(30_000)).headroom.shortage(MODEL, 'batch', NOW_MS + 1_000)).toEqual({
      retryAfterMs: 6_800,
      low: { limit: 'tokens', perWindow: 250_000, freePercent: 13, countsInFlight: false },
    });
  });

  it('forgets all rather than remember without bound', () => {
    const { headroom, waits } = told(tokens(0));
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
    ['without levels holds all but the high until its time', refused('tokens'), [undefined, 8_000, 8_000]],
    ['by a limit that is not told does so too', refused(undefined, tokens(250_000)), [undefined, 8_000, 8_000]],
    ['over one large call holds batches only', refused('tokens', tokens(40_000)), [undefined, undefined, 8_000]],
    ['with low levels holds by the longer time', refused('tokens', tokens(0)), [undefined, 6_000, 15_000]],
  ])('%s', (_what, reading, waits) => {
    expect(told(reading).waits()).toEqual(waits);
  });

  it('is over at its time, also when Groq told its levels between', () => {
    const { waits } = told(refused(undefined), tokens(250_000));
    expect(waits(NOW_MS + 7_999)).toEqual([undefined, 1, 1]);
    expect(waits(NOW_MS + 8_000)).toEqual([undefined, undefined, undefined]);
  });

  it('by a limit that is not told closes no model for longer than a minute', () => {
    const { waits } = told({ refused: { retryAfterMs: 7_200_000, by: undefined } });
    expect(waits()).toEqual([undefined, 60_000, 60_000]);
  });

  it('by a limit that is not told closes no model once Groq has served another call', () => {
    const { waits } = told(refused(undefined), { ...tokens(250_000), isServed: true });
    expect(waits()).toEqual([undefined, undefined, undefined]);
  });

  it('by a limit that is told is not over for batches when Groq serves a smaller call', () => {
    const { waits } = told(refused('tokens', tokens(250_000)), { ...tokens(250_000), isServed: true });
    expect(waits()).toEqual([undefined, undefined, 8_000]);
  });

  it('is believed for a day at most', () => {
    const { waits } = told({ ...tokens(250_000), refused: { retryAfterMs: 1e15, by: 'tokens' } });
    expect(waits()).toEqual([undefined, undefined, 86_400_000]);
  });
});

describe('calls in flight', () => {
  it('count against batches until Groq has told of them', () => {
    const { headroom, waits } = told(tokens(250_000));
    const leave = headroom.start(MODEL, 200_000);
    expect(waits()).toEqual([undefined, undefined, 3_000]);
    leave();
    expect(waits()).toEqual([undefined, undefined, undefined]);
  });

  it('count as all there is at most, so that a batch never waits longer than an empty bucket takes', () => {
    const { headroom, waits } = told(tokens(250_000));
    headroom.start(MODEL, 10_000_000);
    expect(waits(NOW_MS + 5_000)).toEqual([undefined, undefined, 15_000]);
  });

  it('make a wait that is exact when they use all they may', () => {
    const { headroom, waits } = told(tokens(100_000));
    const leave = headroom.start(MODEL, 70_000);
    const [, , wait = 0] = waits();
    leave();
    headroom.observe(MODEL, tokens(30_000), NOW_MS);
    expect(waits()).toEqual([undefined, undefined, wait]);
  });
});

describe('for any sighting', () => {
  const seen = (): fc.Arbitrary<RateLimitLevel> =>
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
        requests: seen(),
        tokens: seen(),
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

  it('lets a call through at its retry-after, and not one millisecond before', () => {
    fc.assert(
      fc.property(readings, elapsedMs, (said, elapsed) => {
        const { headroom } = told(...said);
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

  it('never holds a high priority back, nor a higher one where a lower one is let through', () => {
    fc.assert(
      fc.property(readings, elapsedMs, fc.integer({ min: 0, max: 1e9 }), (said, elapsed, inFlightTokens) => {
        const { headroom } = told(...said);
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
