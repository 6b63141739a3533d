import type { Identity } from '../access/identity.ts';
import type { KeyRecord } from '../access/key-record.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import type { KeyRules } from './key-request.ts';

/** The store of team keys. */
export interface KeyRepository {
  read(keyId: string): Promise<KeyRecord | undefined>;
  /** Lists a team's keys; undefined lists those of no team. */
  list(team: string | undefined): Promise<readonly KeyRecord[]>;
  /** Generates a random key, which is not stored yet, and its id. */
  mint(): { readonly key: string; readonly keyId: string };
  /** Stores a key's record and hash; from then on the key is valid. */
  put(key: string, record: KeyRecord): Promise<void>;
  /** Revokes a key. A key that is already revoked keeps its time. */
  revoke(keyId: string): Promise<void>;
  /** Marks a key as replaced by another. Returns false if it is replaced by a different one or revoked. */
  replace(keyId: string, by: string, retireAfterEpochMs: number): Promise<boolean>;
}

/** Rejects a revoked key's calls from the next one on. */
export type KeyRevoker = { revokeKey(team: string, keyId: string): Promise<void> };

/** Ports of the operations on keys. */
export type KeyPorts = {
  readonly repository: KeyRepository;
  readonly audit: AuditLog;
  readonly ledger: KeyRevoker;
  readonly rules: KeyRules;
  /** Returns an unpredictable random id. */
  readonly newId: () => string;
};

/** The caller of an operation. */
export type Caller = {
  readonly identity: Identity;
  /** A key's id or an IAM principal, for the audit trail. */
  readonly actor: string;
  readonly source: string;
  readonly requestId: string;
  /** True if the identity belongs to a key, false for an IAM principal. */
  readonly isKey: boolean;
};

/** A new key. The key itself is shown only this once. */
export type CreatedKey = { readonly key: string; readonly record: KeyRecord };
