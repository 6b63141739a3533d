import { expect, it } from 'vitest';
import { parseWeekRange } from '../../../bin/report/week-range.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');

it('ends with the last complete week by default, and counts the weeks before it', () => {
  expect(parseWeekRange(undefined, 1, NOW)).toEqual(['2026-W47']);
  expect(parseWeekRange('2026-W01', 3, NOW)).toEqual(['2025-W51', '2025-W52', '2026-W01']);
  // The current week, so far.
  expect(parseWeekRange('2026-W48', 1, NOW)).toEqual(['2026-W48']);
  expect(parseWeekRange(undefined, 53, NOW)).toHaveLength(53);
});

it.each([
  ['2026-W49', 1, '--week is 2026-W49, which is in the future; the current week is 2026-W48'],
  ['2026-W54', 1, '--week is "2026-W54"; the weeks of 2026 are W01 to W53'],
  ['last', 1, '--week is "last"; it must be an ISO 8601 week such as 2026-W47'],
  [
    '2025-W42',
    1,
    '--week is 2025-W42, and usage is kept for 400 days: the oldest week is 2025-W43; older reports are in the report bucket',
  ],
])('refuses %s × %s and says why', (week, weeks, message) => {
  expect(() => parseWeekRange(week, weeks, NOW)).toThrow(message);
});
