import { describe, expect, it } from 'vitest';
import { CircuitBreaker, isOutage } from '../../../lambda/groq/circuit-breaker.ts';

const MODEL = 'openai/gpt-oss-20b';

function openBreaker() {
  const breaker = new CircuitBreaker();
  const changes = Array.from({ length: 20 }, () => breaker.record(MODEL, true, 0));
  return { breaker, changes };
}

describe('CircuitBreaker', () => {
  it('opens at the twentieth failure in a row of a model', () => {
    const { breaker, changes } = openBreaker();
    expect(changes.indexOf('breaker_opened')).toBe(19);
    expect(breaker.admit(MODEL, 1_000)).toEqual({ retryAfterMs: 4_000 });
    expect([breaker.isClosed(MODEL), breaker.isClosed('other'), breaker.admit('other', 0)]).toEqual([
      false,
      true,
      undefined,
    ]);
  });

  it('stays closed while any call succeeds', () => {
    const breaker = new CircuitBreaker();
    for (let n = 1; n <= 100; n++) expect(breaker.record(MODEL, n % 20 !== 0, 0)).toBeUndefined();
    expect(breaker.admit(MODEL, 0)).toBeUndefined();
  });

  it('sends one probe at a time, and lets all pass after one that succeeds', () => {
    const { breaker } = openBreaker();
    expect([breaker.admit(MODEL, 5_000), breaker.admit(MODEL, 5_001)]).toEqual([undefined, { retryAfterMs: 1_000 }]);
    expect(breaker.record(MODEL, false, 6_000)).toBe('breaker_closed');
    expect([breaker.admit(MODEL, 6_000), breaker.admit(MODEL, 6_000)]).toEqual([undefined, undefined]);
  });

  it('waits twice as long after each probe that fails, up to a minute', () => {
    const { breaker } = openBreaker();
    let nowEpochMs = 5_000;
    for (const ms of [10_000, 20_000, 40_000, 60_000, 60_000]) {
      expect(breaker.admit(MODEL, nowEpochMs)).toBeUndefined();
      expect(breaker.record(MODEL, true, nowEpochMs)).toBeUndefined();
      expect(breaker.admit(MODEL, nowEpochMs)).toEqual({ retryAfterMs: ms });
      nowEpochMs += ms;
    }
  });

  it('sends another probe after one without an outcome', () => {
    const { breaker } = openBreaker();
    expect([5_000, 34_999, 35_000].map((now) => breaker.admit(MODEL, now))).toEqual([
      undefined,
      { retryAfterMs: 1_000 },
      undefined,
    ]);
  });

  it('is not prolonged by calls that were slow to fail', () => {
    const { breaker } = openBreaker();
    breaker.record(MODEL, true, 4_000);
    expect(breaker.admit(MODEL, 5_000)).toBeUndefined();
  });
});

it.each<[number | undefined, boolean]>([
  [undefined, true],
  ...[502, 503, 504, 520, 522, 529].map((status): [number, boolean] => [status, true]),
  ...[200, 302, 400, 401, 403, 404, 413, 429, 498, 500].map((status): [number, boolean] => [status, false]),
])('takes status %s for an outage: %s', (status, expected) => {
  expect(isOutage(status)).toBe(expected);
});
