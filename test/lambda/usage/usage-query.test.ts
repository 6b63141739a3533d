import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../lambda/access/identity.ts';
import { parseUsageQuery } from '../../../lambda/usage/usage-query.ts';
import { resolveUsageScope } from '../../../lambda/usage/usage-scope.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 9);
const parse = (query: Record<string, string[]>) => parseUsageQuery(query, NOW_MS);

describe('a query of usage', () => {
  it.each<[string, Record<string, string[]>, [string, string, string[]]]>([
    ['nothing is this month, by day', {}, ['2026-11-01', '2026-11-25', ['day']]],
    ['a last day is its month', { to: ['2026-02-28'] }, ['2026-02-01', '2026-02-28', ['day']]],
    ['a first day is until today', { from: ['2026-01-31'] }, ['2026-01-31', '2026-11-25', ['day']]],
    [
      'groups come in their order, once',
      { group_by: ['model, team,model'] },
      ['2026-11-01', '2026-11-25', ['model', 'team']],
    ],
    ['400 days are not too many', { from: ['2025-10-22'], to: ['2026-11-25'] }, ['2025-10-22', '2026-11-25', ['day']]],
  ])('%s', (_what, query, [from, to, groupBy]) => {
    expect(parse(query)).toEqual({ from, to, groupBy });
  });

  it.each<[string, Record<string, string[]>, string, string]>([
    ['an unknown parameter', { form: ['x'] }, 'form', '"form" is no parameter of this URL; did you mean "from"?'],
    ['a parameter twice', { to: ['2026-11-01', '2026-11-02'] }, 'to', 'is given twice'],
    ['a date that is none', { from: ['2026-02-30'] }, 'from', 'it must be a day in UTC such as 2026-11-30'],
    ['a date in another form', { to: ['2026-2-3'] }, 'to', 'it must be a day'],
    ['nothing as a date', { from: [''] }, 'from', 'it must be a day'],
    ['days the wrong way round', { from: ['2026-11-25'], to: ['2026-11-24'] }, 'from', 'swap them'],
    ['401 days', { from: ['2025-10-21'], to: ['2026-11-25'] }, 'from', 'are 401 days; ask for at most 400'],
    ['an unknown group', { group_by: ['day,modell'] }, 'group_by', 'has "modell"; did you mean "model"?'],
    ['no group', { group_by: [''] }, 'group_by', 'has ""'],
  ])('%s is refused with what to do', (_what, query, param, words) => {
    expect(parse(query)).toMatchObject({
      reason: 'invalid_request',
      param,
      message: expect.stringContaining(words),
    });
  });
});

describe('a caller sees', () => {
  const key: Identity = { keyId: 'k', role: 'member', team: 'a' };
  it.each<[string, Identity, object]>([
    ['its own key as a member', key, { kind: 'key', team: 'a', keyId: 'k' }],
    ['its team as a lead', { ...key, role: 'lead' }, { kind: 'team', team: 'a' }],
    ['its team as a viewer', { ...key, role: 'viewer' }, { kind: 'team', team: 'a' }],
    ['no more than its team by a key of a team', { ...key, role: 'admin' }, { kind: 'team', team: 'a' }],
    ['all as an administrator', { keyId: 'k', role: 'admin' }, { kind: 'organization' }],
    ["all as the organisation's viewer", { keyId: 'k', role: 'viewer' }, { kind: 'organization' }],
    ['nothing as a member of no team', { keyId: 'k', role: 'member' }, { kind: 'nothing' }],
    ['nothing as a lead of no team', { keyId: 'k', role: 'lead' }, { kind: 'nothing' }],
  ])('%s', (_what, identity, scope) => {
    expect(resolveUsageScope(identity)).toEqual(scope);
  });
});
