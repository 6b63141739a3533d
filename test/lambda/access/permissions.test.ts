import { describe, expect, it } from 'vitest';
import type { Role } from '../../../lambda/access/identity.ts';
import {
  type AccessLevel,
  type Action,
  accessLevelFor,
  GRANTABLE_ROLES,
  PERMISSIONS,
} from '../../../lambda/access/permissions.ts';

/** An independent second copy of the permissions, so that a change must be made on purpose. */
const EXPECTED: Readonly<
  Record<Action, readonly [admin: AccessLevel, lead: AccessLevel, member: AccessLevel, viewer: AccessLevel]>
> = {
  call_models: ['none', 'team', 'team', 'none'],
  list_models: ['all', 'team', 'team', 'team'],
  read_budget: ['all', 'team', 'team', 'team'],
  read_usage: ['all', 'team', 'own', 'team'],
  read_keys: ['all', 'team', 'own', 'team'],
  create_keys: ['all', 'team', 'none', 'none'],
  rotate_keys: ['all', 'team', 'own', 'none'],
  revoke_keys: ['all', 'team', 'own', 'none'],
  read_audit: ['all', 'team', 'none', 'none'],
  read_groq_keys: ['all', 'team', 'none', 'team'],
};
const ROLES = Object.keys(PERMISSIONS) as Role[];
const ORDER: readonly AccessLevel[] = ['none', 'own', 'team', 'all'];

describe('permissions', () => {
  it.each(Object.entries(EXPECTED))('%s has the expected access level for each role', (action, levels) => {
    expect(ROLES.map((role) => PERMISSIONS[role][action as Action])).toEqual(levels);
  });

  it('has no action that is missing from the second copy', () => {
    for (const role of ROLES) expect(Object.keys(PERMISSIONS[role])).toEqual(Object.keys(EXPECTED));
  });

  it('limits a team key to its team, and gives an organisation key no access by team', () => {
    for (const role of ROLES) {
      for (const action of Object.keys(EXPECTED) as Action[]) {
        expect(accessLevelFor({ role, team: 'a' }, action)).not.toBe('all');
        expect(accessLevelFor({ role }, action)).not.toBe('team');
      }
    }
  });

  it('lets no role create a key with more access than its own', () => {
    for (const role of ROLES) {
      for (const grantedRole of GRANTABLE_ROLES[role]) {
        for (const action of Object.keys(EXPECTED) as Action[]) {
          // An admin key cannot call models, because no budget would pay, but it may create keys that can.
          if (action === 'call_models') continue;
          const [own, granted] = [PERMISSIONS[role][action], PERMISSIONS[grantedRole][action]];
          expect(ORDER.indexOf(granted)).toBeLessThanOrEqual(ORDER.indexOf(own));
        }
      }
    }
  });
});
