import { addUsd, type PicoUsd, picoUsd, ZERO_USD } from './money.ts';
import type { Day } from './period.ts';
import type { SpendingFacts } from './spending-facts.ts';
import { type UsageRow, usageGap } from './usage.ts';

/**
 * Whether figures may be booked. `final`: the week is over, and the usage of each month it touches equals the ledgers to
 * the last pico-dollar. `provisional`: the week goes on, or they differ. `unchecked`: there were no ledgers to compare.
 */
export type Figures = 'final' | 'provisional' | 'unchecked';

/** Compares the usage of the months that days are in with their ledgers; `rows` are those of each team. */
export function checkFigures(
  { ledgers, teams }: Pick<SpendingFacts, 'ledgers' | 'teams'>,
  rows: ReadonlyMap<string, readonly UsageRow[]>,
  days: readonly Day[],
  isOver: boolean,
): { readonly figures: Figures; readonly gapPicoUsd: PicoUsd } {
  const periods = [...new Set(days.map((day) => day.slice(0, 7)))];
  const own = ledgers.filter(({ period }) => periods.includes(period));
  const gaps = own.map((ledger) => {
    const { spentPicoUsd, assumedPicoUsd } = usageGap(rows.get(ledger.team) ?? [], ledger.period, ledger);
    return spentPicoUsd === 0n ? sizeOf(assumedPicoUsd) : sizeOf(spentPicoUsd);
  });
  const gapPicoUsd = addUsd(ZERO_USD, ...gaps);
  // Who has spent in a month has a ledger of it; where that was not read, nothing can be said of the figures.
  const compared = new Set(own.map(({ team, period }) => `${team} ${period}`));
  const isCompared = teams.every((team) =>
    (rows.get(team) ?? []).every(({ day }) => !days.includes(day) || compared.has(`${team} ${day.slice(0, 7)}`)),
  );
  if (!isCompared) return { figures: 'unchecked', gapPicoUsd };
  return { figures: isOver && gapPicoUsd === 0n ? 'final' : 'provisional', gapPicoUsd };
}

function sizeOf(amount: PicoUsd): PicoUsd {
  return picoUsd(amount < 0n ? -amount : amount);
}
