import { endsOf, type LedgerRecord, UnreadableRecord } from '../../ledger/io/ledger-ends.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { refusalsOf } from './refusal-item.ts';

/** What records of the ledger's stream tell that is counted. */
export type Countable = { readonly ends: readonly LedgerEnd[]; readonly refusals: readonly RefusalBatch[] };

/** Reads what is to be counted; `onUnreadable` is told the place of each record that cannot be read, and why. */
export function countableIn(
  records: readonly LedgerRecord[],
  onUnreadable: (index: number, why: string) => void,
): Countable {
  const ends: LedgerEnd[] = [];
  const refusals: RefusalBatch[] = [];
  for (const [index, record] of records.entries()) {
    try {
      ends.push(...endsOf(record));
      const refused = refusalsOf(record);
      if (refused !== undefined) refusals.push(refused);
    } catch (error) {
      if (!(error instanceof UnreadableRecord)) throw error;
      onUnreadable(index, error.message);
    }
  }
  return { ends, refusals };
}
