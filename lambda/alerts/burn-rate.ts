import { addUsd, notNegative, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayOf, dayStartsAtEpochMs, MS_PER_DAY, periodEndsAtEpochMs } from '../kernel/period.ts';
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
  readonly recentPicoUsd: PicoUsd;
  /** The first of those days with any spending. */
  readonly recentFrom: Day | undefined;
  /** Of the days of the current month. */
  readonly monthPicoUsd: PicoUsd;
};

/** Nothing spent before today. */
export const NO_PAST: PastSpending = { recentPicoUsd: ZERO_USD, recentFrom: undefined, monthPicoUsd: ZERO_USD };

/** How fast money goes, and where that leads. */
export type BurnRate = {
  readonly perDayPicoUsd: PicoUsd;
  /** What the month comes to if it goes on like that. */
  readonly monthEndPicoUsd: PicoUsd;
  /** The day on which the limit is reached; undefined: not in this month. */
  readonly exhaustionDay: Day | undefined;
};

/** The first and last day whose rows {@link pastSpendingOf} wants. */
export function pastDaysOf(nowEpochMs: number): { readonly from: Day; readonly to: Day } {
  const firstOfMonth = `${dayOf(nowEpochMs).slice(0, 7)}-01`;
  const firstRecent = dayOf(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  return { from: firstOfMonth < firstRecent ? firstOfMonth : firstRecent, to: dayOf(nowEpochMs - MS_PER_DAY) };
}

/** Adds up rows of {@link pastDaysOf}; those of other days count for nothing. */
export function pastSpendingOf(rows: readonly UsageRow[], nowEpochMs: number): PastSpending {
  const today = dayOf(nowEpochMs);
  const month = today.slice(0, 7);
  const firstRecent = dayOf(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  const before = rows.filter(({ day }) => day < today);
  const recent = before.filter(({ day }) => day >= firstRecent);
  const costOf = (some: readonly UsageRow[]) => addUsd(...some.map(({ costPicoUsd }) => costPicoUsd));
  const spentOn = recent.filter(({ costPicoUsd }) => costPicoUsd > 0n).map(({ day }) => day);
  return {
    recentPicoUsd: costOf(recent),
    recentFrom: spentOn.sort()[0],
    monthPicoUsd: costOf(before.filter(({ day }) => day.startsWith(month))),
  };
}

/** The past of two holders together. */
export function addPast(a: PastSpending, b: PastSpending): PastSpending {
  const [first] = [a.recentFrom, b.recentFrom].filter((day) => day !== undefined).sort();
  return {
    recentPicoUsd: addUsd(a.recentPicoUsd, b.recentPicoUsd),
    recentFrom: first,
    monthPicoUsd: addUsd(a.monthPicoUsd, b.monthPicoUsd),
  };
}

/** The rate of a holder who has spent so much of this month's limit. */
export function burnRateOf(
  { recentPicoUsd, recentFrom, monthPicoUsd }: PastSpending,
  { spent, limit }: { readonly spent: PicoUsd; readonly limit: PicoUsd },
  nowEpochMs: number,
): BurnRate {
  const today = notNegative(subtractUsd(spent, monthPicoUsd));
  const sinceEpochMs = dayStartsAtEpochMs(recentFrom ?? dayOf(nowEpochMs)) ?? nowEpochMs;
  const elapsedMs = Math.max(MS_PER_DAY, nowEpochMs - sinceEpochMs);
  const recent = notNegative(addUsd(recentPicoUsd, today));
  const leftMs = periodEndsAtEpochMs(nowEpochMs) - nowEpochMs;
  return {
    perDayPicoUsd: inProportion(recent, MS_PER_DAY, elapsedMs),
    monthEndPicoUsd: addUsd(spent, inProportion(recent, leftMs, elapsedMs)),
    exhaustionDay: exhaustionDayOf(recent, elapsedMs, subtractUsd(limit, spent), leftMs, nowEpochMs),
  };
}

function exhaustionDayOf(
  recent: PicoUsd,
  elapsedMs: number,
  rest: PicoUsd,
  leftMs: number,
  nowEpochMs: number,
): Day | undefined {
  if (rest <= 0n) return dayOf(nowEpochMs);
  if (recent === 0n) return undefined;
  const lastsMs = (rest * BigInt(elapsedMs)) / recent;
  return lastsMs < BigInt(leftMs) ? dayOf(nowEpochMs + Number(lastsMs)) : undefined;
}

/** A part of an amount, rounded down. */
function inProportion(amount: PicoUsd, partMs: number, wholeMs: number): PicoUsd {
  return picoUsd((amount * BigInt(partMs)) / BigInt(wholeMs));
}
