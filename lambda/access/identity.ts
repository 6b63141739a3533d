import type { KeyScope } from './key-scope.ts';

/** Role of a key: admin of the organisation, lead of one team, member who calls models, or viewer of usage. */
export type Role = 'admin' | 'lead' | 'member' | 'viewer';

/** The caller's identity, derived from the presented key alone. */
export type Identity = {
  readonly keyId: string;
  readonly role: Role;
  /** Absent for a key of the whole organisation. */
  readonly team?: string;
  /** Absent for a key with all permissions of its role and team. */
  readonly scope?: KeyScope;
  /** Absent for a key without expiry. From this time on the key is refused, whatever is cached. */
  readonly expiresAtEpochMs?: number;
};

const ROLES: readonly string[] = ['admin', 'lead', 'member', 'viewer'] satisfies readonly Role[];

/** Type guard of {@link Role}. */
export function isRole(value: unknown): value is Role {
  return typeof value === 'string' && ROLES.includes(value);
}
