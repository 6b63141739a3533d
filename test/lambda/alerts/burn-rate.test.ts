import { describe, expect, it } from 'vitest';
import { calculateBurnRate, pastDayRange, sumPastSpending } from '../../../lambda/alerts/burn-rate.ts';
import { toUsdString } from '../../../lambda/kernel/money.ts';
import { dayStartEpochMs } from '../../../lambda/kernel/period.ts';
import { computeUsedPercent } from '../../../lambda/ledger/budget-snapshot.ts';
import { NO_USAGE, type UsageRow } from '../../../lambda/usage/usage.ts';
import { usd } from '../../support/alert-delivery.ts';

const at = (day: string, hours = 0) => (dayStartEpochMs(day) ?? Number.NaN) + hours * 3_600_000;
const rowsOn = (costs: Readonly<Record<string, number>>): UsageRow[] =>
  Object.entries(costs).map(([day, cost]) => ({
    ...NO_USAGE,
    ...{ team: 'a', day, keyId: 'k', model: 'm', costPicoUsd: usd(cost) },
  }));
const daily = (from: number, to: number, cost: number) =>
  Object.fromEntries(
    Array.from({ length: to - from + 1 }, (_, index) => [`2026-11-${String(from + index).padStart(2, '0')}`, cost]),
  );

describe('the burn rate', () => {
  // [case, usage rows, now, spent, limit, per day, month's end, day of exhaustion]
  it.each([
    ['a steady $2 a day', daily(1, 14, 2), at('2026-11-15'), 28, 100, '2', '60', undefined],
    ['$2 a day at noon', daily(1, 14, 2), at('2026-11-15', 12), 29, 100, '2', '60', undefined],
    [
      'a budget that is exhausted within the month',
      daily(1, 14, 5),
      at('2026-11-15'),
      70,
      100,
      '5',
      '150',
      '2026-11-21',
    ],
    [
      'a budget that lasts exactly to the end of the month',
      daily(1, 14, 2),
      at('2026-11-15'),
      28,
      60,
      '2',
      '60',
      undefined,
    ],
    ['a budget that is a cent too small', daily(1, 14, 2), at('2026-11-15'), 28, 59.99, '2', '60', '2026-11-30'],
    [
      'the last week instead of earlier ones',
      { ...daily(1, 7, 9), ...daily(8, 14, 1) },
      at('2026-11-15'),
      70,
      100,
      '1',
      '86',
      undefined,
    ],
    [
      'last month on the first day of a month',
      { '2026-10-30': 7, '2026-10-31': 7 },
      at('2026-11-01', 24),
      7,
      100,
      '7',
      '210',
      '2026-11-15',
    ],
    ['a team that began yesterday', { '2026-11-14': 6 }, at('2026-11-15'), 6, 100, '6', '102', '2026-11-30'],
    ['a first morning as a whole day', {}, at('2026-11-15', 6), 3, 100, '3', '50.25', undefined],
    ['spending that has stopped', daily(1, 3, 9), at('2026-11-15'), 27, 100, '0', '27', undefined],
    ['no spending', {}, at('2026-11-15'), 0, 100, '0', '0', undefined],
    ['an exhausted budget', daily(1, 14, 9), at('2026-11-15'), 126, 100, '9', '270', '2026-11-15'],
    ['spending that usage does not contain yet', {}, at('2026-11-15'), 14, 100, '14', '238', '2026-11-21'],
    [
      'a day with a negative cost after a correction',
      { '2026-11-14': -1 },
      at('2026-11-15'),
      0,
      100,
      '0',
      '0',
      undefined,
    ],
  ])('handles %s', (_what, days, now, spent, limit, perDay, monthEnd, exhausted) => {
    const rate = calculateBurnRate(
      sumPastSpending(rowsOn(days), now),
      { spentPicoUsd: usd(spent), limitPicoUsd: usd(limit) },
      now,
    );
    expect(toUsdString(rate.dailySpentPicoUsd)).toBe(perDay);
    expect(toUsdString(rate.projectedPicoUsd)).toBe(monthEnd);
    expect(rate.exhaustionDay).toBe(exhausted);
  });

  it('needs the days of the month and of the week before, but not today', () => {
    expect(pastDayRange(at('2026-11-15'))).toEqual({ from: '2026-11-01', to: '2026-11-14' });
    expect(pastDayRange(at('2026-11-02', 5))).toEqual({ from: '2026-10-26', to: '2026-11-01' });
    expect(pastDayRange(at('2026-11-01'))).toEqual({ from: '2026-10-25', to: '2026-10-31' });
  });
});

it.each([
  [0, 100, 0],
  [50, 100, 50],
  [79.99999, 100, 79.9999],
  [123, 100, 123],
  [0, 0, 0],
  [0.01, 0, 100],
])('$%s of $%s are %s percent used', (spent, limit, percent) => {
  expect(computeUsedPercent({ spentPicoUsd: usd(spent), limitPicoUsd: usd(limit) })).toBe(percent);
});
