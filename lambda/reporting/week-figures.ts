import { absoluteUsd, addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { dayAt, periodAt, periodDayRange } from '../kernel/period.ts';
import { type UsageRow, usageGap } from '../usage/usage.ts';
import { daysOfWeek, type IsoWeek, weekEndsAtEpochMs } from './iso-week.ts';
import type { SpendingFacts } from './spending-facts.ts';

/**
 * Accounting status of a week's figures. `final`: the week is over, and the usage of each of its months equals the ledgers
 * to the last pico-dollar. `provisional`: the week is not over, usage and ledgers differ, or a month that ended within the
 * week has calls in flight. `unchecked`: there were no ledgers to compare.
 */
export type FiguresStatus = 'final' | 'provisional' | 'unchecked';

/** Compares the usage of a week's months with their ledgers. `rows` are keyed by team. */
export function checkFigures(
  {
    ledgers,
    periods: readPeriods,
    teams,
    readAtEpochMs,
  }: Pick<SpendingFacts, 'ledgers' | 'periods' | 'teams' | 'readAtEpochMs'>,
  rows: ReadonlyMap<string, readonly UsageRow[]>,
  week: IsoWeek,
): { readonly figures: FiguresStatus; readonly gapPicoUsd: PicoUsd } {
  const days = daysOfWeek(week);
  const isOver = weekEndsAtEpochMs(week) <= readAtEpochMs;
  const today = dayAt(readAtEpochMs);
  const periods = [...new Set(days.filter((day) => day <= today).map((day) => day.slice(0, 7)))];
  const weekLedgers = ledgers.filter(({ period }) => periods.includes(period));
  const gaps = weekLedgers.map((ledger) => {
    const { spentPicoUsd, assumedPicoUsd } = usageGap(rows.get(ledger.team) ?? [], ledger.period, ledger);
    return spentPicoUsd === 0n ? absoluteUsd(assumedPicoUsd) : absoluteUsd(spentPicoUsd);
  });
  const gapPicoUsd = addUsd(ZERO_USD, ...gaps);
  // Usage implies a ledger of the same month. If that was not read, the figures cannot be checked.
  const compared = new Set(weekLedgers.map(({ team, period }) => `${team} ${period}`));
  const isCompared = teams.every((team) =>
    (rows.get(team) ?? []).every(({ day }) => !days.includes(day) || compared.has(`${team} ${day.slice(0, 7)}`)),
  );
  if (!isCompared || !periods.every((period) => readPeriods.has(period))) return { figures: 'unchecked', gapPicoUsd };
  // A call that ends after its month counts on the month's last day: see billingDay.
  const isInFlight = weekLedgers.some(
    ({ period, reservedPicoUsd }) =>
      reservedPicoUsd !== 0n && period < periodAt(readAtEpochMs) && days.includes(periodDayRange(period).to),
  );
  return { figures: isOver && gapPicoUsd === 0n && !isInFlight ? 'final' : 'provisional', gapPicoUsd };
}
