import type { Identity } from '../access/identity.ts';
import { reachOf } from '../access/permissions.ts';

/** Whose usage someone may see: everyone's, a team's, one key's, or nobody's. */
export type UsageScope =
  | { readonly kind: 'organization' }
  | { readonly kind: 'team'; readonly team: string }
  | { readonly kind: 'key'; readonly team: string; readonly keyId: string }
  | { readonly kind: 'nothing' };

/** Who sees what, as the table of permissions says. */
export function usageScopeOf(identity: Identity): UsageScope {
  const { keyId, team } = identity;
  const reach = reachOf(identity, 'read_usage');
  if (reach === 'all') return { kind: 'organization' };
  if (team === undefined || reach === 'none') return { kind: 'nothing' };
  return reach === 'own' ? { kind: 'key', team, keyId } : { kind: 'team', team };
}
