import type { Identity, Role } from './identity.ts';

/** What a caller may ask of the gateway. */
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

/** How far an action reaches: nowhere, to the caller's own key, to its team, or to the whole organisation. */
export type AccessLevel = 'none' | 'own' | 'team' | 'all';

/**
 * Role × action → reach. A viewer's key may belong to a team or to the organisation, and reaches as far as that; an
 * admin's belongs to the organisation, so no budget could pay its calls.
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

/** The roles that a role may give to a key it makes: never one that reaches further than its own. */
export const GRANTABLE_ROLES: Readonly<Record<Role, readonly Role[]>> = {
  admin: ['admin', 'lead', 'member', 'viewer'],
  lead: ['member', 'viewer'],
  member: [],
  viewer: [],
};

/**
 * How far a caller's action reaches. A viewer's key of the whole organisation reaches to all of it where its role says
 * "team"; a lead or a member belongs to a team, or reaches nowhere.
 */
export function accessLevelFor(identity: Pick<Identity, 'role' | 'team'>, action: Action): AccessLevel {
  const level = PERMISSIONS[identity.role][action];
  if (identity.team === undefined) {
    if (identity.role === 'lead' || identity.role === 'member') return 'none';
    return level === 'team' ? 'all' : level;
  }
  // A key that belongs to a team never reaches beyond it, whatever its role.
  return level === 'all' ? 'team' : level;
}
