import type { Identity } from './identity.ts';

/** Whose usage someone may see: everyone's, a team's, one key's, or nobody's. */
export type UsageScope =
  | { readonly kind: 'organization' }
  | { readonly kind: 'team'; readonly team: string }
  | { readonly kind: 'key'; readonly team: string; readonly keyId: string }
  | { readonly kind: 'nothing' };

/** The one rule of who sees what: a member its own key, a lead and a viewer their team, a key of the organisation all. */
export function usageScopeOf({ keyId, role, team }: Identity): UsageScope {
  if (team === undefined) return role === 'admin' || role === 'viewer' ? { kind: 'organization' } : { kind: 'nothing' };
  // A key of a team sees no other team, whatever its role.
  return role === 'member' ? { kind: 'key', team, keyId } : { kind: 'team', team };
}
