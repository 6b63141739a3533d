import type { Day, Hour } from '../kernel/period.ts';
import type { LedgerEnd } from '../ledger/reservation-end.ts';
import type { GroqKeyUse } from './groq-key-use.ts';
import type { RefusalBatch } from './refusal-tally.ts';
import type { UsageRow } from './usage.ts';

/** What calls came to, by day, key and model: seconds behind the ledger. */
export interface UsageReader {
  /** A team's rows of these days, both included. */
  listRows(team: string, from: Day, to: Day): Promise<readonly UsageRow[]>;
}

/** Where what the ledger's stream tells is counted, once each; tells how many had not been counted before. */
export interface UsageCounter {
  count(ends: readonly LedgerEnd[]): Promise<number>;
  countRefusals(batches: readonly RefusalBatch[]): Promise<number>;
}

/** What became of calls by the Groq key they were sent with: seconds behind the ledger. */
export interface GroqKeyUseReader {
  /** A team's rows of these hours, both included. */
  readGroqKeyUse(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]>;
}
