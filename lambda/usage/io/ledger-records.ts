import { type LedgerRecord, MalformedRecordError, parseReservationEnds } from '../../ledger/io/reservation-end-item.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { parseRefusalBatch } from './refusal-item.ts';

/** What records of the ledger's stream tell that is counted. */
export type ParsedRecords = { readonly ends: readonly LedgerEnd[]; readonly refusals: readonly RefusalBatch[] };

/** Reads what is to be counted; `onUnreadable` is told the place of each record that cannot be read, and why. */
export function parseRecords(
  records: readonly LedgerRecord[],
  onUnreadable: (index: number, why: string) => void,
): ParsedRecords {
  const ends: LedgerEnd[] = [];
  const refusals: RefusalBatch[] = [];
  for (const [index, record] of records.entries()) {
    try {
      ends.push(...parseReservationEnds(record));
      const refused = parseRefusalBatch(record);
      if (refused !== undefined) refusals.push(refused);
    } catch (error) {
      if (!(error instanceof MalformedRecordError)) throw error;
      onUnreadable(index, error.message);
    }
  }
  return { ends, refusals };
}
