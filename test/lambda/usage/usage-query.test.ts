import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../lambda/access/identity.ts';
import { parseUsageQuery } from '../../../lambda/usage/usage-query.ts';
import { resolveUsageScope } from '../../../lambda/usage/usage-scope.ts';

const NOW_MS = Date.UTC(2026, 10, 25, 9);
const parse = (query: Record<string, string[]>) => parseUsageQuery(query, NOW_MS);

describe('a usage query', () => {
  it.each<[string, Record<string, string[]>, [string, string, string[]]]>([
    ['without parameters covers this month, by day', {}, ['2026-11-01', '2026-11-25', ['day']]],
    ['with a last day starts with its month', { to: ['2026-02-28'] }, ['2026-02-01', '2026-02-28', ['day']]],
    ['with a first day ends today', { from: ['2026-01-31'] }, ['2026-01-31', '2026-11-25', ['day']]],
    [
      'keeps groups in order, without duplicates',
      { group_by: ['model, team,model'] },
      ['2026-11-01', '2026-11-25', ['model', 'team']],
    ],
    ['may cover 400 days', { from: ['2025-10-22'], to: ['2026-11-25'] }, ['2025-10-22', '2026-11-25', ['day']]],
  ])('%s', (_what, query, [from, to, groupBy]) => {
    expect(parse(query)).toEqual({ from, to, groupBy });
  });

  it.each<[string, Record<string, string[]>, string, string]>([
    ['an unknown parameter', { form: ['x'] }, 'form', '"form" is no parameter of this URL; did you mean "from"?'],
    ['a duplicate parameter', { to: ['2026-11-01', '2026-11-02'] }, 'to', 'is given twice'],
    ['an invalid date', { from: ['2026-02-30'] }, 'from', 'it must be a day in UTC such as 2026-11-30'],
    ['a date in another form', { to: ['2026-2-3'] }, 'to', 'it must be a day'],
    ['an empty date', { from: [''] }, 'from', 'it must be a day'],
    ['a first day after the last', { from: ['2026-11-25'], to: ['2026-11-24'] }, 'from', 'swap them'],
    ['401 days', { from: ['2025-10-21'], to: ['2026-11-25'] }, 'from', 'are 401 days; ask for at most 400'],
    ['an unknown group', { group_by: ['day,modell'] }, 'group_by', 'has "modell"; did you mean "model"?'],
    ['an empty group', { group_by: [''] }, 'group_by', 'has ""'],
  ])('refuses %s with a remedy', (_what, query, param, words) => {
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
    ['only its team with any key of a team', { ...key, role: 'admin' }, { kind: 'team', team: 'a' }],
    ['all as an administrator', { keyId: 'k', role: 'admin' }, { kind: 'organization' }],
    ["all as the organisation's viewer", { keyId: 'k', role: 'viewer' }, { kind: 'organization' }],
    ['nothing as a member without a team', { keyId: 'k', role: 'member' }, { kind: 'nothing' }],
    ['nothing as a lead without a team', { keyId: 'k', role: 'lead' }, { kind: 'nothing' }],
  ])('%s', (_what, identity, scope) => {
    expect(resolveUsageScope(identity)).toEqual(scope);
  });
});
