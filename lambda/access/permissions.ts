import type { Identity, Role } from './identity.ts';

/** An action that needs permission. */
export type Action =
  | 'call_models'
  | 'list_models'
  | 'read_budget'
  | 'read_usage'
  | 'read_keys'
  | 'create_keys'
  | 'rotate_keys'
  | 'revoke_keys'
  | 'read_audit'
  | 'read_groq_keys';

/** Range of an action: nothing, the caller's own key, its team, or the whole organisation. */
export type AccessLevel = 'none' | 'own' | 'team' | 'all';

/**
 * Access level by role and action. A viewer's level depends on whether its key belongs to a team or to the organisation.
 * An admin key belongs to no team, so no budget could pay for its calls.
 */
export const PERMISSIONS: Readonly<Record<Role, Readonly<Record<Action, AccessLevel>>>> = {
  admin: {
    call_models: 'none',
    list_models: 'all',
    read_budget: 'all',
    read_usage: 'all',
    read_keys: 'all',
    create_keys: 'all',
    rotate_keys: 'all',
    revoke_keys: 'all',
    read_audit: 'all',
    read_groq_keys: 'all',
  },
  lead: {
    call_models: 'team',
    list_models: 'team',
    read_budget: 'team',
    read_usage: 'team',
    read_keys: 'team',
    create_keys: 'team',
    rotate_keys: 'team',
    revoke_keys: 'team',
    read_audit: 'team',
    read_groq_keys: 'team',
  },
  member: {
    call_models: 'team',
    list_models: 'team',
    read_budget: 'team',
    read_usage: 'own',
    read_keys: 'own',
    create_keys: 'none',
    rotate_keys: 'own',
    revoke_keys: 'own',
    read_audit: 'none',
    read_groq_keys: 'none',
  },
  viewer: {
    call_models: 'none',
    list_models: 'team',
    read_budget: 'team',
    read_usage: 'team',
    read_keys: 'team',
    create_keys: 'none',
    rotate_keys: 'none',
    revoke_keys: 'none',
    read_audit: 'none',
    read_groq_keys: 'team',
  },
};

/** Roles that a role may give to the keys it creates, never broader than its own. */
export const GRANTABLE_ROLES: Readonly<Record<Role, readonly Role[]>> = {
  admin: ['admin', 'lead', 'member', 'viewer'],
  lead: ['member', 'viewer'],
  member: [],
  viewer: [],
};

/**
 * Returns the caller's access level for an action. For an organisation viewer, `team` becomes `all`. A lead or a member
 * without a team gets `none`.
 */
export function accessLevelFor(identity: Pick<Identity, 'role' | 'team'>, action: Action): AccessLevel {
  const level = PERMISSIONS[identity.role][action];
  if (identity.team === undefined) {
    if (identity.role === 'lead' || identity.role === 'member') return 'none';
    return level === 'team' ? 'all' : level;
  }
  // A team's key never gets access beyond its team, whatever its role.
  return level === 'all' ? 'team' : level;
}
