import { expect, it } from 'vitest';
import { projectedMonthEnd } from '../../../lambda/core/burn-rate.ts';
import { picoUsd } from '../../../lambda/core/money.ts';

it.each([
  ['2026-11-16T00:00:00Z', 100n, 200n],
  ['2026-11-01T00:00:00Z', 100n, 100n],
  ['2026-10-31T00:00:00Z', 100n, 100n],
  ['2026-12-01T00:00:00Z', 100n, 100n],
  ['2027-03-01T00:00:00Z', 100n, 100n],
  // A third of the month: rounded up, never down.
  ['2026-11-11T00:00:00Z', 1n, 3n],
  ['2026-11-21T00:00:00Z', 1n, 2n],
  ['2026-11-11T00:00:00Z', 0n, 0n],
])('at %s, what has come to %i comes to %i in November', (now, spent, projected) => {
  expect(projectedMonthEnd(picoUsd(spent), '2026-11', Date.parse(now))).toBe(projected);
});
