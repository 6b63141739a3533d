import { type Day, dayAt, dayStartEpochMs, MS_PER_DAY } from '../kernel/period.ts';

/** A week of ISO 8601, Monday to Sunday in UTC, as `2026-W47`; weeks sort as their texts do. */
export type IsoWeek = string;

const DAYS = 7;
const FORM = /^(\d{4})-W(\d{2})$/;

/** The Monday on or before a day, at midnight. */
function mondayAtEpochMs(epochMs: number): number {
  const days = Math.floor(epochMs / MS_PER_DAY);
  // 1970-01-01 was a Thursday, three days after a Monday.
  const sinceMonday = (((days + 3) % DAYS) + DAYS) % DAYS;
  return (days - sinceMonday) * MS_PER_DAY;
}

/** The Monday of a year's first week, which is the one that has the fourth of January. */
function firstMondayAtEpochMs(year: string): number {
  return mondayAtEpochMs(dayStartEpochMs(`${year}-01-04`) ?? 0);
}

/** The week a time falls into; around New Year it may belong to the other year. */
export function weekAt(epochMs: number): IsoWeek {
  const monday = mondayAtEpochMs(epochMs);
  // A week is of the year that its Thursday is in.
  const year = dayAt(monday + 3 * MS_PER_DAY).slice(0, 4);
  const number = (monday - firstMondayAtEpochMs(year)) / (DAYS * MS_PER_DAY) + 1;
  return `${year}-W${String(number).padStart(2, '0')}`;
}

/** When a week begins. A text that names no week begins nowhere: see parseWeek. */
export function weekStartsAtEpochMs(week: IsoWeek): number {
  const [, year = '', number] = FORM.exec(week) ?? [];
  return firstMondayAtEpochMs(year) + (Number(number) - 1) * DAYS * MS_PER_DAY;
}

/** When the next week begins. */
export function weekEndsAtEpochMs(week: IsoWeek): number {
  return weekStartsAtEpochMs(week) + DAYS * MS_PER_DAY;
}

/** The seven days of a week. */
export function daysOfWeek(week: IsoWeek): readonly Day[] {
  const start = weekStartsAtEpochMs(week);
  return Array.from({ length: DAYS }, (_, index) => dayAt(start + index * MS_PER_DAY));
}

/** The week that is so many weeks later, or earlier when `weeks` is negative. */
export function addWeeks(week: IsoWeek, weeks: number): IsoWeek {
  return weekAt(weekStartsAtEpochMs(week) + weeks * DAYS * MS_PER_DAY);
}

/** The last week that was over at a time. */
export function lastCompleteWeek(epochMs: number): IsoWeek {
  return addWeeks(weekAt(epochMs), -1);
}

/** Reads a week, or says in a clause what is wrong with the text. */
export function parseWeek(text: string): { readonly week: IsoWeek } | { readonly why: string } {
  const [, year = '', number = ''] = FORM.exec(text) ?? [];
  const shown = text.slice(0, 40);
  if (year === '') return { why: `is "${shown}"; it must be a week of ISO 8601 such as 2026-W47` };
  // The 28th of December is always in a year's last week.
  const last = weekAt(dayStartEpochMs(`${year}-12-28`) ?? 0);
  if (Number(number) < 1 || text > last)
    return { why: `is "${shown}"; the weeks of ${year} are W01 to ${last.slice(5)}` };
  return { week: text };
}
