import { addUsd, clampToZero, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY, periodEndEpochMs } from '../kernel/period.ts';
import type { UsageRow } from '../usage/usage.ts';

/*
 * A rate is what a holder spent lately, by the day: on the seven days before today, and today so far.
 *
 *   rate = spent in that time / its length       its length begins with the first day that has any spending, and is
 *                                                a day at least, so that one morning is no trend
 *   month's end = spent + rate × days left       exhausted: the day on which spent + rate × days reaches the limit
 *
 * A week holds every day of the week once, and does not begin anew with the month as the budget does. What was spent
 * today is the ledger's figure less the days before: exact at once, however far the projection is behind.
 */

/** How many days before today count. */
export const RECENT_DAYS = 7;

/** What a holder spent on whole days before today, from usage rows. It stays as it is until the day ends. */
export type PastSpending = {
  /** Of the last days, whatever their month. */
  readonly recentSpentPicoUsd: PicoUsd;
  /** The first of those days with any spending. */
  readonly firstRecentDay: Day | undefined;
  /** Of the days of the current month. */
  readonly monthSpentPicoUsd: PicoUsd;
};

/** Nothing spent before today. */
export const NO_PAST_SPENDING: PastSpending = {
  recentSpentPicoUsd: ZERO_USD,
  firstRecentDay: undefined,
  monthSpentPicoUsd: ZERO_USD,
};

/** How fast money goes, and where that leads. */
export type BurnRate = {
  readonly dailySpentPicoUsd: PicoUsd;
  /** What the month comes to if it goes on like that. */
  readonly projectedPicoUsd: PicoUsd;
  /** The day on which the limit is reached; undefined: not in this month. */
  readonly exhaustionDay: Day | undefined;
};

/** The first and last day whose rows {@link sumPastSpending} wants. */
export function pastDayRange(nowEpochMs: number): { readonly from: Day; readonly to: Day } {
  const firstOfMonth = `${dayAt(nowEpochMs).slice(0, 7)}-01`;
  const firstRecent = dayAt(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  return { from: firstOfMonth < firstRecent ? firstOfMonth : firstRecent, to: dayAt(nowEpochMs - MS_PER_DAY) };
}

/** Adds up rows of {@link pastDayRange}; those of other days count for nothing. */
export function sumPastSpending(rows: readonly UsageRow[], nowEpochMs: number): PastSpending {
  const today = dayAt(nowEpochMs);
  const month = today.slice(0, 7);
  const firstRecent = dayAt(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  const before = rows.filter(({ day }) => day < today);
  const recent = before.filter(({ day }) => day >= firstRecent);
  const sumCost = (some: readonly UsageRow[]) => addUsd(...some.map(({ costPicoUsd }) => costPicoUsd));
  const spentOn = recent.filter(({ costPicoUsd }) => costPicoUsd > 0n).map(({ day }) => day);
  return {
    recentSpentPicoUsd: sumCost(recent),
    firstRecentDay: spentOn.sort()[0],
    monthSpentPicoUsd: sumCost(before.filter(({ day }) => day.startsWith(month))),
  };
}

/** The past of two holders together. */
export function addPastSpending(a: PastSpending, b: PastSpending): PastSpending {
  const [first] = [a.firstRecentDay, b.firstRecentDay].filter((day) => day !== undefined).sort();
  return {
    recentSpentPicoUsd: addUsd(a.recentSpentPicoUsd, b.recentSpentPicoUsd),
    firstRecentDay: first,
    monthSpentPicoUsd: addUsd(a.monthSpentPicoUsd, b.monthSpentPicoUsd),
  };
}

/** The rate of a holder who has spent so much of this month's limit. */
export function calculateBurnRate(
  { recentSpentPicoUsd, firstRecentDay, monthSpentPicoUsd }: PastSpending,
  { spentPicoUsd, limitPicoUsd }: { readonly spentPicoUsd: PicoUsd; readonly limitPicoUsd: PicoUsd },
  nowEpochMs: number,
): BurnRate {
  const today = clampToZero(subtractUsd(spentPicoUsd, monthSpentPicoUsd));
  const sinceEpochMs = dayStartEpochMs(firstRecentDay ?? dayAt(nowEpochMs)) ?? nowEpochMs;
  const elapsedMs = Math.max(MS_PER_DAY, nowEpochMs - sinceEpochMs);
  const recent = clampToZero(addUsd(recentSpentPicoUsd, today));
  const leftMs = periodEndEpochMs(nowEpochMs) - nowEpochMs;
  return {
    dailySpentPicoUsd: prorate(recent, MS_PER_DAY, elapsedMs),
    projectedPicoUsd: addUsd(spentPicoUsd, prorate(recent, leftMs, elapsedMs)),
    exhaustionDay: projectExhaustionDay(recent, elapsedMs, subtractUsd(limitPicoUsd, spentPicoUsd), leftMs, nowEpochMs),
  };
}

function projectExhaustionDay(
  recent: PicoUsd,
  elapsedMs: number,
  rest: PicoUsd,
  leftMs: number,
  nowEpochMs: number,
): Day | undefined {
  if (rest <= 0n) return dayAt(nowEpochMs);
  if (recent === 0n) return undefined;
  const lastsMs = (rest * BigInt(elapsedMs)) / recent;
  return lastsMs < BigInt(leftMs) ? dayAt(nowEpochMs + Number(lastsMs)) : undefined;
}

/** A part of an amount, rounded down. */
function prorate(amount: PicoUsd, partMs: number, wholeMs: number): PicoUsd {
  return picoUsd((amount * BigInt(partMs)) / BigInt(wholeMs));
}
