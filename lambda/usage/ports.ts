import type { Day, Hour } from '../kernel/period.ts';
import type { LedgerEnd } from '../ledger/reservation-end.ts';
import type { GroqKeyUse } from './groq-key-use.ts';
import type { RefusalBatch } from './refusal-tally.ts';
import type { UsageRow } from './usage.ts';

/** Reads usage by day, key and model. It is eventually consistent, seconds behind the ledger. */
export interface UsageReader {
  /** Lists a team's rows from one day to another, inclusive. */
  listRows(team: string, from: Day, to: Day): Promise<readonly UsageRow[]>;
}

/** Counts the ledger's stream exactly once. Each method returns how many entries had not been counted before. */
export interface UsageCounter {
  count(ends: readonly LedgerEnd[]): Promise<number>;
  countRefusals(batches: readonly RefusalBatch[]): Promise<number>;
}

/** Reads the use of Groq keys. It is eventually consistent, seconds behind the ledger. */
export interface GroqKeyUseReader {
  /** Reads a team's rows from one hour to another, inclusive. */
  readGroqKeyUse(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]>;
}
