/** A calendar month in UTC, as `YYYY-MM`. */
export type Period = string;

/** A day in milliseconds. */
export const MS_PER_DAY = 86_400_000;

/** The year, month (1 to 12) and day in UTC of a time, by civil-from-days: pure files do not use Date. */
function civilDay(epochMs: number): { year: number; month: number; day: number } {
  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": days are shifted to eras that begin on 0000-03-01.
  const days = Math.floor(epochMs / MS_PER_DAY) + 719_468;
  const era = Math.floor(days / 146_097);
  const dayOfEra = days - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Returns the period of a time. */
export function periodAt(epochMs: number): Period {
  const { year, month } = civilDay(epochMs);
  return `${year}-${String(month).padStart(2, '0')}`;
}

/** A day in UTC, as `YYYY-MM-DD`; days sort as text. */
export type Day = string;

/** Returns the day of a time. */
export function dayAt(epochMs: number): Day {
  return formatUtc(epochMs).slice(0, 10);
}

/** An hour in UTC, as `YYYY-MM-DDTHH`; hours sort as text. */
export type Hour = string;

/** Returns the hour of a time. */
export function hourAt(epochMs: number): Hour {
  return formatUtc(epochMs).slice(0, 13);
}

/**
 * Returns the day on which a call counts, within the period that paid for it. A call that ends after its month counts on
 * the month's last day, so that the days of a month add up to its ledger's spending.
 */
export function billingDay(period: Period, epochMs: number): Day {
  const day = dayAt(epochMs);
  const month = day.slice(0, 7);
  if (month === period) return day;
  const { from, to } = periodDayRange(period);
  return month < period ? from : to;
}

/** Returns the first and the last day of a period. */
export function periodDayRange(period: Period): { readonly from: Day; readonly to: Day } {
  const startEpochMs = periodStartEpochMs(period);
  return { from: dayAt(startEpochMs), to: dayAt(periodEndEpochMs(startEpochMs) - MS_PER_DAY) };
}

/** Lists the periods from that of the first day to that of the last, in order. */
export function periodsBetween(first: Day, last: Day): readonly Period[] {
  const periods: Period[] = [];
  const lastEpochMs = periodStartEpochMs(last.slice(0, 7));
  for (let at = periodStartEpochMs(first.slice(0, 7)); at <= lastEpochMs; at = periodEndEpochMs(at))
    periods.push(periodAt(at));
  return periods;
}

/** Returns a day's midnight in UTC; undefined for a text that is not a day, such as `2026-02-30`. */
export function dayStartEpochMs(text: string): number | undefined {
  const [, years, months, dates] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const [year, month, date] = [Number(years), Number(months), Number(dates)];
  if (years === undefined || month < 1 || month > 12 || date < 1) return undefined;
  const epochMs = midnightAtEpochMs(year, month, date);
  return dayAt(epochMs) === text ? epochMs : undefined;
}

/** The inverse of civilDay, by the same author: years begin in March, so a thirteenth month is the next January. */
function midnightAtEpochMs(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * MS_PER_DAY;
}

/** Returns the time at which a time's period ends and its budget renews, in ISO 8601. */
export function periodResetAt(epochMs: number): string {
  return formatUtc(periodEndEpochMs(epochMs));
}

/** Returns the start of a period. */
export function periodStartEpochMs(period: Period): number {
  const [year = 0, month = 0] = period.split('-').map(Number);
  return midnightAtEpochMs(year, month, 1);
}

/** Returns the end of a time's period, at which its budget renews. */
export function periodEndEpochMs(epochMs: number): number {
  const { year, month } = civilDay(epochMs);
  return midnightAtEpochMs(year, month + 1, 1);
}

/** Formats a time in ISO 8601, UTC, to the second. */
export function formatUtc(epochMs: number): string {
  const { year, month, day } = civilDay(epochMs);
  const seconds = Math.floor((epochMs % MS_PER_DAY) / 1000);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return `${year}-${two(month)}-${two(day)}T${clock.map(two).join(':')}Z`;
}
