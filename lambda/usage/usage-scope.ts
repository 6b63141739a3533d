import type { Identity } from '../access/identity.ts';
import { accessLevelFor } from '../access/permissions.ts';

/** Whose usage someone may see: everyone's, a team's, one key's, or nobody's. */
export type UsageScope =
  | { readonly kind: 'organization' }
  | { readonly kind: 'team'; readonly team: string }
  | { readonly kind: 'key'; readonly team: string; readonly keyId: string }
  | { readonly kind: 'nothing' };

/** Who sees what, as the table of permissions says. */
export function resolveUsageScope(identity: Identity): UsageScope {
  const { keyId, team } = identity;
  const level = accessLevelFor(identity, 'read_usage');
  if (level === 'all') return { kind: 'organization' };
  if (team === undefined || level === 'none') return { kind: 'nothing' };
  return level === 'own' ? { kind: 'key', team, keyId } : { kind: 'team', team };
}
