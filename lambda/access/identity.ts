import type { KeyScope } from './key-scope.ts';

/** What a key may do: everything, everything of one team, call models, or look at usage. */
export type Role = 'admin' | 'lead' | 'member' | 'viewer';

/** Who is calling, as the authorizer found it from the key alone. */
export type Identity = {
  readonly keyId: string;
  readonly role: Role;
  /** Absent on a key of the whole organisation. */
  readonly team?: string;
  /** Absent on a key that may do all that its team may. */
  readonly scope?: KeyScope;
  /** Absent on a key that does not end by itself. From this moment on it does nothing, whatever was remembered of it. */
  readonly expiresAtEpochMs?: number;
};

const ROLES: readonly string[] = ['admin', 'lead', 'member', 'viewer'] satisfies readonly Role[];

/** Whether a text names a role. */
export function isRole(value: unknown): value is Role {
  return typeof value === 'string' && ROLES.includes(value);
}
