import { describe, expect, it } from 'vitest';
import type { Role } from '../../../lambda/access/identity.ts';
import {
  type AccessLevel,
  type Action,
  accessLevelFor,
  GRANTABLE_ROLES,
  PERMISSIONS,
} from '../../../lambda/access/permissions.ts';

/** How far each role reaches, by what its key belongs to: written down a second time. */
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
  it.each(Object.entries(EXPECTED))('%s reaches as far as each role says', (action, reaches) => {
    expect(ROLES.map((role) => PERMISSIONS[role][action as Action])).toEqual(reaches);
  });

  it('has no action that the second table does not know', () => {
    for (const role of ROLES) expect(Object.keys(PERMISSIONS[role])).toEqual(Object.keys(EXPECTED));
  });

  it('never reaches beyond its team with a key that belongs to one, and to all with one that belongs to none', () => {
    for (const role of ROLES) {
      for (const action of Object.keys(EXPECTED) as Action[]) {
        expect(accessLevelFor({ role, team: 'a' }, action)).not.toBe('all');
        expect(accessLevelFor({ role }, action)).not.toBe('team');
      }
    }
  });

  it('lets nobody make a key that reaches further than its own', () => {
    for (const role of ROLES) {
      for (const given of GRANTABLE_ROLES[role]) {
        for (const action of Object.keys(EXPECTED) as Action[]) {
          // An admin's key calls no models, since no budget could pay; that it may let others is what it is for.
          if (action === 'call_models') continue;
          const [own, of] = [PERMISSIONS[role][action], PERMISSIONS[given][action]];
          expect(ORDER.indexOf(of)).toBeLessThanOrEqual(ORDER.indexOf(own));
        }
      }
    }
  });
});
