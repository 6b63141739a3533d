import { calculateBurnRate, sumPastSpending } from '../alerts/burn-rate.ts';
import { addUsd, type PicoUsd } from '../kernel/money.ts';
import { type Period, periodAt } from '../kernel/period.ts';
import type { UsageRow } from '../usage/usage.ts';
import type { MonthLedger, SpendingFacts } from './spending-facts.ts';

/** A month's budget and spending, with a projection. */
export type MonthBudget = Omit<MonthLedger, 'team'> & {
  /** Spending by the end of the month if it continues at the current rate: see burn-rate.ts. */
  readonly projectedPicoUsd: PicoUsd;
};

/** Projects a ledger's month from its usage rows; a month that has ended keeps what it has spent. */
export function projectBudget(ledger: MonthLedger, rows: readonly UsageRow[], nowEpochMs: number): MonthBudget {
  const { team: _, ...month } = ledger;
  if (month.period !== periodAt(nowEpochMs)) return { ...month, projectedPicoUsd: month.spentPicoUsd };
  const { projectedPicoUsd } = calculateBurnRate(sumPastSpending(rows, nowEpochMs), month, nowEpochMs);
  return { ...month, projectedPicoUsd };
}

/** Adds up all teams' ledgers under the organisation's cap; undefined if the cap is not known. */
export function projectOrganizationBudget(
  { ledgers, caps, rows, readAtEpochMs }: SpendingFacts,
  period: Period,
): MonthBudget | undefined {
  const limitPicoUsd = caps.get(period);
  if (limitPicoUsd === undefined) return undefined;
  const own = ledgers.filter((ledger) => ledger.period === period);
  const total = {
    team: '',
    period,
    limitPicoUsd,
    spentPicoUsd: addUsd(...own.map(({ spentPicoUsd }) => spentPicoUsd)),
    reservedPicoUsd: addUsd(...own.map(({ reservedPicoUsd }) => reservedPicoUsd)),
    assumedPicoUsd: addUsd(...own.map(({ assumedPicoUsd }) => assumedPicoUsd)),
    overrunPicoUsd: addUsd(...own.map(({ overrunPicoUsd }) => overrunPicoUsd)),
  };
  return projectBudget(total, rows, readAtEpochMs);
}
