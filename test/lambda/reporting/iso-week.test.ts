import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addWeeks,
  daysOfWeek,
  lastCompleteWeek,
  parseWeek,
  weekAt,
  weekEndsAtEpochMs,
  weekStartsAtEpochMs,
} from '../../../lambda/reporting/iso-week.ts';

describe('ISO 8601 weeks', () => {
  // Around each kind of New Year; checked against Python's datetime.isocalendar and `date +%G-W%V`.
  it.each([
    ['2026-11-25', '2026-W48'],
    ['2026-11-16', '2026-W47'],
    ['2026-11-22', '2026-W47'],
    ['2026-01-01', '2026-W01'],
    ['2025-12-29', '2026-W01'],
    ['2025-12-28', '2025-W52'],
    ['2026-12-31', '2026-W53'],
    ['2027-01-03', '2026-W53'],
    ['2027-01-04', '2027-W01'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-03', '2020-W53'],
    ['2000-02-29', '2000-W09'],
    ['1970-01-01', '1970-W01'],
  ])('%s is in %s', (day, week) => {
    expect(weekAt(Date.parse(`${day}T00:00:00Z`))).toBe(week);
    expect(weekAt(Date.parse(`${day}T23:59:59.999Z`))).toBe(week);
    expect(daysOfWeek(week)).toContain(day);
  });

  it('have seven days from Monday to Sunday and contain every day of the calendar exactly once', () => {
    const DAYS = { min: 0, max: 60_000 };
    fc.assert(
      fc.property(fc.integer(DAYS), fc.integer({ min: -60, max: 60 }), (day, weeks) => {
        const at = day * 86_400_000;
        const week = weekAt(at);
        expect(new Date(weekStartsAtEpochMs(week)).getUTCDay()).toBe(1);
        expect(weekStartsAtEpochMs(week)).toBeLessThanOrEqual(at);
        expect(weekEndsAtEpochMs(week)).toBeGreaterThan(at);
        expect(daysOfWeek(week)).toHaveLength(7);
        expect(parseWeek(week)).toEqual({ week });
        expect(weekStartsAtEpochMs(addWeeks(week, weeks)) - weekStartsAtEpochMs(week)).toBe(weeks * 7 * 86_400_000);
        // The week's year contains most of its days.
        const years = daysOfWeek(week).map((date) => date.slice(0, 4));
        expect(years.filter((year) => year === week.slice(0, 4)).length).toBeGreaterThan(3);
        expect(weekEndsAtEpochMs(lastCompleteWeek(at))).toBe(weekStartsAtEpochMs(week));
      }),
    );
  });

  it.each([
    ['2026-W54', 'is "2026-W54"; the weeks of 2026 are W01 to W53'],
    ['2025-W53', 'is "2025-W53"; the weeks of 2025 are W01 to W52'],
    ['2026-W00', 'is "2026-W00"; the weeks of 2026 are W01 to W53'],
    ['2026-W7', 'is "2026-W7"; it must be an ISO 8601 week such as 2026-W47'],
    ['2026-11-16', 'is "2026-11-16"; it must be an ISO 8601 week such as 2026-W47'],
    ['', 'is ""; it must be an ISO 8601 week such as 2026-W47'],
  ])('are refused if the year does not have them: %s', (text, why) => {
    expect(parseWeek(text)).toEqual({ why });
  });
});
