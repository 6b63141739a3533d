import type { KeyRecord, KeyUsage } from '../access/key-record.ts';
import type { GroqKeySummary } from '../groq-keys/groq-key-list.ts';
import type { AuditEntry } from '../kernel/audit-log.ts';
import type { IdempotencyStore } from '../team-keys/idempotency-store.ts';
import type { KeyPorts } from '../team-keys/key-ports.ts';

/** Ports of the administrative API. */
export type AdminPorts = KeyPorts & {
  readonly idempotency: IdempotencyStore;
  /** Returns at most `limit` entries of a month, newest first, of one team or of all. */
  readonly readAudit: (period: string, limit: number, team?: string) => Promise<readonly AuditEntry[]>;
  /** Returns this month's usage of keys, by key id. */
  readonly readUse: (records: readonly KeyRecord[]) => Promise<ReadonlyMap<string, KeyUsage>>;
  /** Returns the status of the teams' Groq keys. */
  readonly readGroqKeys: (teams: readonly string[]) => Promise<readonly GroqKeySummary[]>;
};
