import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY, type Period } from '../kernel/period.ts';

/** An ISO 8601 week, Monday to Sunday in UTC, as `2026-W47`. Weeks sort as strings. */
export type IsoWeek = string;

const DAYS = 7;
const PATTERN = /^(\d{4})-W(\d{2})$/;

/** Midnight of the Monday on or before a time. */
function mondayAtEpochMs(epochMs: number): number {
  const days = Math.floor(epochMs / MS_PER_DAY);
  // 1970-01-01 was a Thursday, three days after a Monday.
  const sinceMonday = (((days + 3) % DAYS) + DAYS) % DAYS;
  return (days - sinceMonday) * MS_PER_DAY;
}

/** The Monday of a year's first week, which contains 4 January. */
function firstMondayAtEpochMs(year: string): number {
  return mondayAtEpochMs(dayStartEpochMs(`${year}-01-04`) ?? 0);
}

/** The week that contains a time. Around New Year, its year may differ from the calendar year. */
export function weekAt(epochMs: number): IsoWeek {
  const monday = mondayAtEpochMs(epochMs);
  // A week belongs to the year of its Thursday.
  const year = dayAt(monday + 3 * MS_PER_DAY).slice(0, 4);
  const number = (monday - firstMondayAtEpochMs(year)) / (DAYS * MS_PER_DAY) + 1;
  return `${year}-W${String(number).padStart(2, '0')}`;
}

/** Start of a week. The text must be a valid week: see parseWeek. */
export function weekStartsAtEpochMs(week: IsoWeek): number {
  const [, year = '', number] = PATTERN.exec(week) ?? [];
  return firstMondayAtEpochMs(year) + (Number(number) - 1) * DAYS * MS_PER_DAY;
}

/** End of a week, which is the start of the next one. */
export function weekEndsAtEpochMs(week: IsoWeek): number {
  return weekStartsAtEpochMs(week) + DAYS * MS_PER_DAY;
}

/** The seven days of a week. */
export function daysOfWeek(week: IsoWeek): readonly Day[] {
  const start = weekStartsAtEpochMs(week);
  return Array.from({ length: DAYS }, (_, index) => dayAt(start + index * MS_PER_DAY));
}

/** The one or two months that a week's days belong to. */
export function periodsOfWeek(week: IsoWeek): readonly Period[] {
  return [...new Set(daysOfWeek(week).map((day) => day.slice(0, 7)))];
}

/** Moves a week forward by a number of weeks, or back if `weeks` is negative. */
export function addWeeks(week: IsoWeek, weeks: number): IsoWeek {
  return weekAt(weekStartsAtEpochMs(week) + weeks * DAYS * MS_PER_DAY);
}

/** The last week that ended by a time. */
export function lastCompleteWeek(epochMs: number): IsoWeek {
  return addWeeks(weekAt(epochMs), -1);
}

/** Parses a week; `why` is a clause that completes a message such as `"week" …`. */
export function parseWeek(text: string): { readonly week: IsoWeek } | { readonly why: string } {
  const [, year = '', number = ''] = PATTERN.exec(text) ?? [];
  const shown = text.slice(0, 40);
  if (year === '') return { why: `is "${shown}"; it must be an ISO 8601 week such as 2026-W47` };
  // 28 December is always in a year's last week.
  const last = weekAt(dayStartEpochMs(`${year}-12-28`) ?? 0);
  if (Number(number) < 1 || text > last)
    return { why: `is "${shown}"; the weeks of ${year} are W01 to ${last.slice(5)}` };
  return { week: text };
}
