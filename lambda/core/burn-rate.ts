import { ceilDivide, type PicoUsd, picoUsd } from './money.ts';
import { dayStartsAtEpochMs, daysOf, MS_PER_DAY, type Period } from './period.ts';

/**
 * What a period comes to if it goes on as it has gone so far: what was spent, divided by the share of the period that has
 * passed, rounded up. A period that is over comes to what was spent; one that has not begun, too.
 */
export function projectedMonthEnd(spent: PicoUsd, period: Period, nowEpochMs: number): PicoUsd {
  const { from, to } = daysOf(period);
  const starts = dayStartsAtEpochMs(from) ?? 0;
  const wholeMs = (dayStartsAtEpochMs(to) ?? 0) + MS_PER_DAY - starts;
  const elapsedMs = Math.floor(nowEpochMs) - starts;
  if (elapsedMs <= 0 || elapsedMs >= wholeMs) return spent;
  return picoUsd(ceilDivide(spent * BigInt(wholeMs), BigInt(elapsedMs)));
}
