import type { KeyRecord, KeyUsage } from '../access/key-record.ts';
import type { GroqKeySummary } from '../groq-keys/groq-key-list.ts';
import type { AuditEntry } from '../kernel/audit-log.ts';
import type { IdempotencyStore } from '../team-keys/idempotency-store.ts';
import type { KeyPorts } from '../team-keys/key-operations.ts';

/** What administration needs of the world. */
export type AdminPorts = KeyPorts & {
  readonly idempotency: IdempotencyStore;
  /** A month's newest entries, of all or of one team's affairs. */
  readonly readAudit: (period: string, most: number, team?: string) => Promise<readonly AuditEntry[]>;
  /** What keys have been used for this month, by their ids. */
  readonly readUse: (records: readonly KeyRecord[]) => Promise<ReadonlyMap<string, KeyUsage>>;
  /** How the Groq keys of teams stand. */
  readonly readGroqKeys: (teams: readonly string[]) => Promise<readonly GroqKeySummary[]>;
};
