import { type LedgerRecord, MalformedRecordError, parseReservationEnds } from '../../ledger/io/reservation-end-item.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { parseRefusalBatch } from './refusal-item.ts';

/** The countable content of records of the ledger's stream. */
export type ParsedRecords = { readonly ends: readonly LedgerEnd[]; readonly refusals: readonly RefusalBatch[] };

/** Parses records. `onUnreadable` receives the index of each malformed record and the reason. */
export function parseRecords(
  records: readonly LedgerRecord[],
  onUnreadable: (index: number, why: string) => void,
): ParsedRecords {
  const ends: LedgerEnd[] = [];
  const refusals: RefusalBatch[] = [];
  for (const [index, record] of records.entries()) {
    try {
      ends.push(...parseReservationEnds(record));
      const batch = parseRefusalBatch(record);
      if (batch !== undefined) refusals.push(batch);
    } catch (error) {
      if (!(error instanceof MalformedRecordError)) throw error;
      onUnreadable(index, error.message);
    }
  }
  return { ends, refusals };
}
