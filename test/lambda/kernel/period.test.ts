import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodAt, periodDayRange, periodResetAt } from '../../../lambda/kernel/period.ts';

describe('periods', () => {
  it.each([
    ['2026-11-30T23:59:59.999Z', '2026-11', '2026-12-01T00:00:00Z'],
    ['2026-12-01T00:00:00.000Z', '2026-12', '2027-01-01T00:00:00Z'],
    ['2028-02-29T12:00:00.000Z', '2028-02', '2028-03-01T00:00:00Z'],
  ])('assigns %s to its period', (time, period, reset) => {
    expect([periodAt(Date.parse(time)), periodResetAt(Date.parse(time))]).toEqual([period, reset]);
  });

  it('agrees with the calendar for any time', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1970-01-01'), max: new Date('2400-01-01'), noInvalidDate: true }),
        (date) => {
          expect(periodAt(date.getTime())).toBe(date.toISOString().slice(0, 7));
          const next = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1));
          expect(periodResetAt(date.getTime())).toBe(next.toISOString().replace('.000', ''));
          const last = new Date(next.getTime() - 1).toISOString().slice(0, 10);
          expect(periodDayRange(periodAt(date.getTime()))).toEqual({ from: `${last.slice(0, 8)}01`, to: last });
        },
      ),
    );
  });
});
