import { addUsd, picoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import { weekEndsAtEpochMs } from '../../lambda/reporting/iso-week.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { NO_USAGE, type UsageRow } from '../../lambda/usage/usage.ts';

/** The week of the tests and of the example report. It lies within one month. */
export const WEEK = '2026-W47';

/** A row of the week's Wednesday with the given fields. */
export function usageRow(fields: Partial<UsageRow> = {}): UsageRow {
  const key = { team: 'a', day: '2026-11-18', keyId: 'k1', model: 'm' };
  return { ...key, ...NO_USAGE, requests: 1, costPicoUsd: picoUsd(7n), ...fields };
}

/** Spending of these rows, read after the week, with ledgers that equal them. */
export function spendingWith(rows: readonly UsageRow[], fields: Partial<SpendingFacts> = {}): SpendingFacts {
  const teams = [...new Set(rows.map(({ team }) => team))].sort();
  const months = [...Map.groupBy(rows, ({ team, day }) => `${team} ${day.slice(0, 7)}`).values()];
  const ledgers = months.map((monthRows) => ({
    team: monthRows[0]?.team ?? '',
    period: monthRows[0]?.day.slice(0, 7) ?? '',
    limitPicoUsd: picoUsd(1_000n),
    spentPicoUsd: addUsd(ZERO_USD, ...monthRows.map(({ costPicoUsd }) => costPicoUsd)),
    reservedPicoUsd: ZERO_USD,
    assumedPicoUsd: addUsd(ZERO_USD, ...monthRows.map(({ assumedPicoUsd }) => assumedPicoUsd)),
    overrunPicoUsd: ZERO_USD,
  }));
  return {
    environmentName: 'test',
    teams,
    rows,
    names: new Map(),
    ledgers,
    periods: new Set(['2026-11', ...ledgers.map(({ period }) => period)]),
    caps: new Map([['2026-11', picoUsd(5_000n)]]),
    prices: new Map(),
    readAtEpochMs: weekEndsAtEpochMs(WEEK) + 21_600_000,
    ...fields,
  };
}
