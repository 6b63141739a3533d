import { addUsd, clampToZero, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY, periodEndEpochMs } from '../kernel/period.ts';
import type { UsageRow } from '../usage/usage.ts';

/*
 * The burn rate is a holder's recent spending per day: on the seven days before today, and today so far.
 *
 *   rate = spending / elapsed time           the time starts with the first day that has any spending, and is at least
 *                                            a day, so that one morning does not make a trend
 *   month's end = spent + rate × days left   exhaustion: the day on which spent + rate × days reaches the limit
 *
 * The window contains every day of the week once and continues across months, unlike the budget. Today's spending is the
 * ledger's total minus the past days, so it is exact even while usage lags behind.
 */

/** Number of days before today in the window. */
export const RECENT_DAYS = 7;

/** A holder's spending on whole days before today, from usage rows. It does not change until the day ends. */
export type PastSpending = {
  /** Spending of the window, across months. */
  readonly recentSpentPicoUsd: PicoUsd;
  /** The first day of the window with any spending. */
  readonly firstRecentDay: Day | undefined;
  /** Spending of the current month. */
  readonly monthSpentPicoUsd: PicoUsd;
};

/** No spending before today. */
export const NO_PAST_SPENDING: PastSpending = {
  recentSpentPicoUsd: ZERO_USD,
  firstRecentDay: undefined,
  monthSpentPicoUsd: ZERO_USD,
};

/** A rate of spending and its projection. */
export type BurnRate = {
  readonly dailySpentPicoUsd: PicoUsd;
  /** Spending by the end of the month at this rate. */
  readonly projectedPicoUsd: PicoUsd;
  /** The day on which the limit is reached; undefined if not in this month. */
  readonly exhaustionDay: Day | undefined;
};

/** The range of days that {@link sumPastSpending} needs. */
export function pastDayRange(nowEpochMs: number): { readonly from: Day; readonly to: Day } {
  const firstOfMonth = `${dayAt(nowEpochMs).slice(0, 7)}-01`;
  const firstRecent = dayAt(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  return { from: firstOfMonth < firstRecent ? firstOfMonth : firstRecent, to: dayAt(nowEpochMs - MS_PER_DAY) };
}

/** Adds up rows of {@link pastDayRange} and ignores others. */
export function sumPastSpending(rows: readonly UsageRow[], nowEpochMs: number): PastSpending {
  const today = dayAt(nowEpochMs);
  const month = today.slice(0, 7);
  const firstRecent = dayAt(nowEpochMs - RECENT_DAYS * MS_PER_DAY);
  const before = rows.filter(({ day }) => day < today);
  const recent = before.filter(({ day }) => day >= firstRecent);
  const sumCost = (group: readonly UsageRow[]) => addUsd(...group.map(({ costPicoUsd }) => costPicoUsd));
  const daysWithSpending = recent.filter(({ costPicoUsd }) => costPicoUsd > 0n).map(({ day }) => day);
  return {
    recentSpentPicoUsd: sumCost(recent),
    firstRecentDay: daysWithSpending.sort()[0],
    monthSpentPicoUsd: sumCost(before.filter(({ day }) => day.startsWith(month))),
  };
}

/** Adds the spending of two holders. */
export function addPastSpending(a: PastSpending, b: PastSpending): PastSpending {
  const [first] = [a.firstRecentDay, b.firstRecentDay].filter((day) => day !== undefined).sort();
  return {
    recentSpentPicoUsd: addUsd(a.recentSpentPicoUsd, b.recentSpentPicoUsd),
    firstRecentDay: first,
    monthSpentPicoUsd: addUsd(a.monthSpentPicoUsd, b.monthSpentPicoUsd),
  };
}

/** Calculates the burn rate from past spending and this month's ledger. */
export function calculateBurnRate(
  { recentSpentPicoUsd, firstRecentDay, monthSpentPicoUsd }: PastSpending,
  { spentPicoUsd, limitPicoUsd }: { readonly spentPicoUsd: PicoUsd; readonly limitPicoUsd: PicoUsd },
  nowEpochMs: number,
): BurnRate {
  const todayPicoUsd = clampToZero(subtractUsd(spentPicoUsd, monthSpentPicoUsd));
  const sinceEpochMs = dayStartEpochMs(firstRecentDay ?? dayAt(nowEpochMs)) ?? nowEpochMs;
  const elapsedMs = Math.max(MS_PER_DAY, nowEpochMs - sinceEpochMs);
  const recent = clampToZero(addUsd(recentSpentPicoUsd, todayPicoUsd));
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
  availablePicoUsd: PicoUsd,
  leftMs: number,
  nowEpochMs: number,
): Day | undefined {
  if (availablePicoUsd <= 0n) return dayAt(nowEpochMs);
  if (recent === 0n) return undefined;
  const lastsMs = (availablePicoUsd * BigInt(elapsedMs)) / recent;
  return lastsMs < BigInt(leftMs) ? dayAt(nowEpochMs + Number(lastsMs)) : undefined;
}

/** The share of an amount for a part of its time, rounded down. */
function prorate(amount: PicoUsd, partMs: number, wholeMs: number): PicoUsd {
  return picoUsd((amount * BigInt(partMs)) / BigInt(wholeMs));
}
