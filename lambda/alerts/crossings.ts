import { picoUsdFromNumber } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { type BudgetSnapshot, computeUsedPercent } from '../ledger/budget-snapshot.ts';

/** At what people are told: shares of every budget, and dollars of the organisation's spending. */
export type AlertThresholds = { readonly percents: readonly number[]; readonly usd: readonly number[] };

/** A threshold as alerts name it: `80%` of a limit, or `$250`. */
export type ThresholdName = string;

/** A holder's spending at or above a threshold. */
export type ThresholdCrossing = BudgetSnapshot & { readonly threshold: ThresholdName };

/** How urgent a crossing is, as the log says it. */
export type AlertLevel = 'INFO' | 'WARN' | 'ALERT';

/** From which share of a limit on a crossing is more than information, in percent. */
const LEVELS = { ALERT: 95, WARN: 80 } as const;
/** A percentage has four decimals at most. */
const STEPS_PER_PERCENT = 10_000;

/** The thresholds that a holder's spending has reached, the lowest first of each kind. */
export function findCrossings(
  snapshot: BudgetSnapshot,
  { percents, usd }: AlertThresholds,
): readonly ThresholdCrossing[] {
  // A share of nothing is reached by whoever spends anything, and by nobody who does not.
  const byShare = percents.filter((percent) => snapshot.spentPicoUsd > 0n && reaches(snapshot, percent));
  const byAmount =
    snapshot.holder === ORGANIZATION ? usd.filter((amount) => snapshot.spentPicoUsd >= picoUsdFromNumber(amount)) : [];
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  const names = [...ascending(byShare).map((percent) => `${percent}%`), ...ascending(byAmount).map((n) => `$${n}`)];
  return names.map((threshold) => ({ ...snapshot, threshold }));
}

/**
 * The crossings of many sights, one of each holder, period and threshold: the sight of the least spending, which is the
 * nearest to the crossing itself.
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

/** What names a crossing among all of an environment's. */
export function crossingId({
  period,
  holder,
  threshold,
}: Omit<ThresholdCrossing, 'spentPicoUsd' | 'limitPicoUsd'>): string {
  return `${period}/${holder}/${threshold}`;
}

/** How urgent a crossing is: by its share, and for an amount by the share that it is of the limit. */
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
