import { addUsd, picoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';
import { weekEndsAtEpochMs } from '../../lambda/reporting/iso-week.ts';
import type { SpendingFacts } from '../../lambda/reporting/spending-facts.ts';
import { NO_USAGE, type UsageRow } from '../../lambda/usage/usage.ts';

/** The week of tests: of one month, and the example's. */
export const WEEK = '2026-W47';

/** A row of the week's Wednesday, with what a test cares about. */
export function usageRow(fields: Partial<UsageRow> = {}): UsageRow {
  const key = { team: 'a', day: '2026-11-18', keyId: 'k1', model: 'm' };
  return { ...key, ...NO_USAGE, requests: 1, costPicoUsd: picoUsd(7n), ...fields };
}

/** Spending of these rows, read when the week was over, with ledgers that equal them. */
export function spendingWith(rows: readonly UsageRow[], fields: Partial<SpendingFacts> = {}): SpendingFacts {
  const teams = [...new Set(rows.map(({ team }) => team))].sort();
  const months = [...Map.groupBy(rows, ({ team, day }) => `${team} ${day.slice(0, 7)}`).values()];
  const ledgers = months.map((own) => ({
    team: own[0]?.team ?? '',
    period: own[0]?.day.slice(0, 7) ?? '',
    limitPicoUsd: picoUsd(1_000n),
    spentPicoUsd: addUsd(ZERO_USD, ...own.map(({ costPicoUsd }) => costPicoUsd)),
    reservedPicoUsd: ZERO_USD,
    assumedPicoUsd: addUsd(ZERO_USD, ...own.map(({ assumedPicoUsd }) => assumedPicoUsd)),
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
