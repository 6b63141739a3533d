import type { Identity } from '../access/identity.ts';
import { accessLevelFor } from '../access/permissions.ts';

/** The usage that an identity may see. */
export type UsageScope =
  | { readonly kind: 'organization' }
  | { readonly kind: 'team'; readonly team: string }
  | { readonly kind: 'key'; readonly team: string; readonly keyId: string }
  | { readonly kind: 'nothing' };

/** Resolves an identity's scope by the permission table. */
export function resolveUsageScope(identity: Identity): UsageScope {
  const { keyId, team } = identity;
  const level = accessLevelFor(identity, 'read_usage');
  if (level === 'all') return { kind: 'organization' };
  if (team === undefined || level === 'none') return { kind: 'nothing' };
  return level === 'own' ? { kind: 'key', team, keyId } : { kind: 'team', team };
}
