import { ORGANIZATION } from '../kernel/holder.ts';
import { picoUsdFromNumber } from '../kernel/money.ts';
import { type Sight, usedPercentOf } from '../ledger/budget-standing.ts';

/** At what people are told: shares of every budget, and dollars of the organisation's spending. */
export type AlertSettings = { readonly percents: readonly number[]; readonly usd: readonly number[] };

/** A threshold as alerts name it: `80%` of a limit, or `$250`. */
export type ThresholdName = string;

/** A holder's spending at or above a threshold. */
export type Crossing = Sight & { readonly threshold: ThresholdName };

/** How urgent a crossing is, as the log says it. */
export type AlertLevel = 'INFO' | 'WARN' | 'ALERT';

/** From which share of a limit on a crossing is more than information, in percent. */
const LEVELS = { ALERT: 95, WARN: 80 } as const;
/** A percentage has four decimals at most. */
const SHARES_A_PERCENT = 10_000;

/** The thresholds that a holder's spending has reached, the lowest first of each kind. */
export function crossingsOf(sight: Sight, { percents, usd }: AlertSettings): readonly Crossing[] {
  // A share of nothing is reached by whoever spends anything, and by nobody who does not.
  const byShare = percents.filter((percent) => sight.spent > 0n && reaches(sight, percent));
  const byAmount =
    sight.holder === ORGANIZATION ? usd.filter((amount) => sight.spent >= picoUsdFromNumber(amount)) : [];
  const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
  const names = [...ascending(byShare).map((percent) => `${percent}%`), ...ascending(byAmount).map((n) => `$${n}`)];
  return names.map((threshold) => ({ ...sight, threshold }));
}

/**
 * The crossings of many sights, one of each holder, period and threshold: the sight of the least spending, which is the
 * nearest to the crossing itself.
 */
export function firstCrossings(sights: readonly Sight[], settings: AlertSettings): readonly Crossing[] {
  const first = new Map<string, Crossing>();
  for (const sight of sights)
    for (const crossing of crossingsOf(sight, settings)) {
      const before = first.get(crossingName(crossing));
      if (before === undefined || crossing.spent < before.spent) first.set(crossingName(crossing), crossing);
    }
  return [...first.values()];
}

/** What names a crossing among all of an environment's. */
export function crossingName({ period, holder, threshold }: Omit<Crossing, 'spent' | 'limit'>): string {
  return `${period}/${holder}/${threshold}`;
}

/** How urgent a crossing is: by its share, and for an amount by the share that it is of the limit. */
export function alertLevelOf(crossing: Crossing): AlertLevel {
  const { threshold } = crossing;
  const percent = threshold.endsWith('%') ? Number(threshold.slice(0, -1)) : usedPercentOf(crossing);
  return percent >= LEVELS.ALERT ? 'ALERT' : percent >= LEVELS.WARN ? 'WARN' : 'INFO';
}

function reaches({ spent, limit }: Sight, percent: number): boolean {
  return spent * 100n * BigInt(SHARES_A_PERCENT) >= limit * BigInt(Math.round(percent * SHARES_A_PERCENT));
}
