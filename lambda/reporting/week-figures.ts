import { absoluteUsd, addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { dayAt, periodAt, periodDayRange } from '../kernel/period.ts';
import { type UsageRow, usageGap } from '../usage/usage.ts';
import { daysOfWeek, type IsoWeek, weekEndsAtEpochMs } from './iso-week.ts';
import type { SpendingFacts } from './spending-facts.ts';

/**
 * Whether figures may be booked. `final`: the week is over, and the usage of each month it touches equals the ledgers to
 * the last pico-dollar. `provisional`: the week goes on, they differ, or a month that ended within it has calls in
 * flight. `unchecked`: there were no ledgers to compare.
 */
export type FiguresStatus = 'final' | 'provisional' | 'unchecked';

/** Compares the usage of the months that a week is in with their ledgers; `rows` are those of each team. */
export function checkFigures(
  {
    ledgers,
    periods: read,
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
  const own = ledgers.filter(({ period }) => periods.includes(period));
  const gaps = own.map((ledger) => {
    const { spentPicoUsd, assumedPicoUsd } = usageGap(rows.get(ledger.team) ?? [], ledger.period, ledger);
    return spentPicoUsd === 0n ? absoluteUsd(assumedPicoUsd) : absoluteUsd(spentPicoUsd);
  });
  const gapPicoUsd = addUsd(ZERO_USD, ...gaps);
  // Who has spent in a month has a ledger of it; where that was not read, nothing can be said of the figures.
  const compared = new Set(own.map(({ team, period }) => `${team} ${period}`));
  const isCompared = teams.every((team) =>
    (rows.get(team) ?? []).every(({ day }) => !days.includes(day) || compared.has(`${team} ${day.slice(0, 7)}`)),
  );
  if (!isCompared || !periods.every((period) => read.has(period))) return { figures: 'unchecked', gapPicoUsd };
  // What ends after its month's end counts on the last day of it: see billingDay.
  const isInFlight = own.some(
    ({ period, reservedPicoUsd }) =>
      reservedPicoUsd !== 0n && period < periodAt(readAtEpochMs) && days.includes(periodDayRange(period).to),
  );
  return { figures: isOver && gapPicoUsd === 0n && !isInFlight ? 'final' : 'provisional', gapPicoUsd };
}
