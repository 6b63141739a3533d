import { expect, it } from 'vitest';
import { burnRateOf, pastSpendingOf } from '../../../lambda/core/burn-rate.ts';
import { picoUsd } from '../../../lambda/core/money.ts';
import { usageRow } from '../../support/spending.ts';

const rows = [
  usageRow({ day: '2026-11-02', costPicoUsd: picoUsd(100n) }),
  usageRow({ day: '2026-11-16', costPicoUsd: picoUsd(70n) }),
];

it.each([
  // Seven days of which one had seventy, and eight to go.
  ['2026-11-23T00:00:00Z', 170n, 250n],
  // What the ledger has more than the days before is today's.
  ['2026-11-23T00:00:00Z', 240n, 400n],
  // Nothing in the last seven days: nothing more comes.
  ['2026-11-25T00:00:00Z', 170n, 170n],
])('at %s, what has come to %i comes to %i in November', (now, spent, monthEnd) => {
  const nowEpochMs = Date.parse(now);
  const rate = burnRateOf(
    pastSpendingOf(rows, nowEpochMs),
    { spent: picoUsd(spent), limit: picoUsd(1_000n) },
    nowEpochMs,
  );
  expect(rate.monthEndPicoUsd).toBe(monthEnd);
});
