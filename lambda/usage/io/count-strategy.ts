import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import { countGroqKeyRows, foldGroqKeyUse } from '../groq-key-use.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { foldEnds, foldRows, NO_USAGE } from '../usage.ts';
import { endMarkerKey, type MarkerKey, refusalMarkerKey } from './counted-marker.ts';
import { groqKeyIncrement } from './groq-key-use-item.ts';
import type { ItemUpdate } from './item-update.ts';
import { usageIncrement } from './usage-item.ts';

/** A transaction has at most 100 items (DynamoDB quotas, read 2026-11-25). */
const MAX_TRANSACTION_ITEMS = 100;

/** The way to count entries of a type exactly once. */
export type CountStrategy<T> = {
  readonly markerKeyFor: (entry: T) => MarkerKey;
  /** Maximum number of items that an entry takes in a transaction: its marker and its rows. */
  readonly countItems: (entry: T) => number;
  readonly toIncrements: (entries: readonly T[]) => readonly ItemUpdate[];
};

/** Counts reservations' ends. */
export const COUNT_ENDS: CountStrategy<LedgerEnd> = {
  markerKeyFor: endMarkerKey,
  countItems: (end) => 2 + countGroqKeyRows(end),
  toIncrements: (ends) => [...foldEnds(ends).map(usageIncrement), ...foldGroqKeyUse(ends).map(groqKeyIncrement)],
};

/** Counts batches of refusals. */
export const COUNT_REFUSALS: CountStrategy<RefusalBatch> = {
  markerKeyFor: refusalMarkerKey,
  countItems: ({ rows }) => 1 + rows.length,
  toIncrements: (batches) => {
    const rows = batches.flatMap(({ team, rows }) => rows.map((row) => ({ ...NO_USAGE, team, ...row })));
    return foldRows(rows).map(usageIncrement);
  },
};

/** Splits entries into groups that each fit into a transaction. Of entries with the same marker, only the last remains. */
export function splitIntoTransactions<T>(
  entries: readonly T[],
  { markerKeyFor, countItems }: CountStrategy<T>,
): readonly (readonly T[])[] {
  const unique = new Map(entries.map((entry) => [JSON.stringify(markerKeyFor(entry)), entry]));
  const groups: T[][] = [];
  let freeItems = 0;
  for (const entry of unique.values()) {
    const items = countItems(entry);
    if (items > freeItems) {
      groups.push([]);
      freeItems = MAX_TRANSACTION_ITEMS;
    }
    groups.at(-1)?.push(entry);
    freeItems -= items;
  }
  return groups;
}
