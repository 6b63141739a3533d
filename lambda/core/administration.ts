import type { KeyPorts } from './key-operations.ts';
import type { KeyRecord, KeyUse } from './key-record.ts';
import type { AuditEntry, IdempotencyStore } from './ports.ts';

/** What administration needs of the world. */
export type AdminPorts = KeyPorts & {
  readonly idempotency: IdempotencyStore;
  /** A month's newest entries, of all or of one team's affairs. */
  readonly readAudit: (period: string, most: number, team?: string) => Promise<readonly AuditEntry[]>;
  /** What keys have been used for this month, by their ids. */
  readonly readUse: (records: readonly KeyRecord[]) => Promise<ReadonlyMap<string, KeyUse>>;
};
