import { picoUsdFromNumber } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type BudgetSnapshot, computeUsedPercent } from '../ledger/budget-snapshot.ts';

/** Thresholds that cause alerts: percentages of every budget, and dollars of the organisation's spending. */
export type AlertThresholds = { readonly percents: readonly number[]; readonly usd: readonly number[] };

/** Name of a threshold in alerts: `80%` of a limit, or `$250`. */
export type ThresholdName = string;

/** A holder's spending at or above a threshold. */
export type ThresholdCrossing = BudgetSnapshot & { readonly threshold: ThresholdName };

/** Urgency of an alert. */
export type AlertLevel = 'INFO' | 'WARN' | 'ALERT';

/** Minimum percentage of the limit for the levels above INFO. */
const LEVELS = { ALERT: 95, WARN: 80 } as const;
/** Percentages have up to four decimals. */
const STEPS_PER_PERCENT = 10_000;

/** Finds the thresholds that a holder's spending has reached, percentages before amounts, each from the lowest. */
export function findCrossings(
  snapshot: BudgetSnapshot,
  { percents, usd }: AlertThresholds,
): readonly ThresholdCrossing[] {
  // Any spending reaches every percentage of a budget of zero, but no spending reaches none.
  const reachedPercents = percents.filter((percent) => snapshot.spentPicoUsd > 0n && reaches(snapshot, percent));
  const reachedUsd =
    snapshot.holder === ORGANIZATION ? usd.filter((amount) => snapshot.spentPicoUsd >= picoUsdFromNumber(amount)) : [];
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  const names = [
    ...ascending(reachedPercents).map((percent) => `${percent}%`),
    ...ascending(reachedUsd).map((amount) => `$${amount}`),
  ];
  return names.map((threshold) => ({ ...snapshot, threshold }));
}

/**
 * Finds the crossings in many snapshots, one per holder, period and threshold. The snapshot with the lowest spending is
 * used, because it is the closest to the crossing.
 */
export function firstCrossings(
  budgetSnapshots: readonly BudgetSnapshot[],
  settings: AlertThresholds,
): readonly ThresholdCrossing[] {
  const first = new Map<string, ThresholdCrossing>();
  for (const snapshot of budgetSnapshots)
    for (const crossing of findCrossings(snapshot, settings)) {
      const before = first.get(crossingId(crossing));
      if (before === undefined || crossing.spentPicoUsd < before.spentPicoUsd)
        first.set(crossingId(crossing), crossing);
    }
  return [...first.values()];
}

/** An id that is unique within an environment. */
export function crossingId({
  period,
  holder,
  threshold,
}: Omit<ThresholdCrossing, 'spentPicoUsd' | 'limitPicoUsd'>): string {
  return `${period}/${holder}/${threshold}`;
}

/** The level of a crossing by its percentage, or for an amount by the percentage of the limit that is spent. */
export function alertLevel(crossing: ThresholdCrossing): AlertLevel {
  const { threshold } = crossing;
  const percent = threshold.endsWith('%') ? Number(threshold.slice(0, -1)) : computeUsedPercent(crossing);
  return percent >= LEVELS.ALERT ? 'ALERT' : percent >= LEVELS.WARN ? 'WARN' : 'INFO';
}

function reaches({ spentPicoUsd, limitPicoUsd }: BudgetSnapshot, percent: number): boolean {
  return (
    spentPicoUsd * 100n * BigInt(STEPS_PER_PERCENT) >= limitPicoUsd * BigInt(Math.round(percent * STEPS_PER_PERCENT))
  );
}
