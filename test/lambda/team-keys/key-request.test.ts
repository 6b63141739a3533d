import { describe, expect, it } from 'vitest';
import type { Identity } from '../../../lambda/access/identity.ts';
import { parseKeyRequest } from '../../../lambda/team-keys/key-request.ts';
import { keyRules } from '../../support/keys/memory-key-repository.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const admin: Identity = { keyId: 'admin', role: 'admin' };
const lead: Identity = { keyId: 'lead', role: 'lead', team: 'ant' };
const parse = (body: object | string, caller = admin) =>
  parseKeyRequest(typeof body === 'string' ? body : JSON.stringify(body), caller, keyRules());
const narrowed = (scope: NonNullable<Identity['scope']>): Identity => ({ ...lead, scope });
const MODEL = 'openai/gpt-oss-20b';

describe('a request for a key', () => {
  it.each<[string, object, object, Identity?]>([
    ['a name that implies the team', { name: 'ant-test-chat' }, { role: 'member', team: 'ant' }],
    ['a name without a purpose', { name: 'ant-test' }, { team: 'ant' }],
    ['a name that is the team alone', { name: 'ant' }, { team: 'ant' }],
    ['a lead of a team', { name: 'ant-test-boss', role: 'lead' }, { role: 'lead', team: 'ant' }],
    ['an admin of the organization', { name: 'organization-test-ops', role: 'admin' }, { role: 'admin' }],
    ['a viewer of the organization', { name: 'organization-test-bi', role: 'viewer' }, { role: 'viewer' }],
    ['null for fields left out', { name: 'ant-test', allowed_models: null, expires_at: null }, { team: 'ant' }],
    ['a lead as creator', { name: 'ant-test-chat' }, { role: 'member', team: 'ant' }, lead],
    [
      'limits equal to the team’s',
      { name: 'ant-test', requests_per_minute: 60, tokens_per_minute: 1_000, monthly_budget_usd: 100 },
      { scope: { rpm: 60, tpm: 1_000, usd: 100 } },
    ],
    [
      'models, without duplicates',
      { name: 'ant-test', allowed_models: [MODEL, MODEL] },
      { scope: { models: [MODEL] } },
    ],
    ['endpoints', { name: 'ant-test', endpoints: ['chat'] }, { scope: { endpoints: ['chat'] } }],
    [
      'an expiry as text',
      { name: 'ant-test', expires_at: '2026-12-01T00:00:00Z' },
      { expiresAtEpochMs: Date.parse('2026-12-01T00:00:00Z') },
    ],
    [
      'an expiry in seconds',
      { name: 'ant-test', expires_at: START_MS / 1000 + 1.5 },
      { expiresAtEpochMs: START_MS + 1_500 },
    ],
    ['a budget of zero', { name: 'ant-test', monthly_budget_usd: 0 }, { scope: { usd: 0 } }],
    [
      'the only model of a narrowed lead',
      { name: 'ant-test', allowed_models: [MODEL] },
      { scope: { models: [MODEL] } },
      narrowed({ models: [MODEL] }),
    ],
    [
      'a viewer, by a lead with a budget of its own',
      { name: 'ant-test', role: 'viewer' },
      { role: 'viewer' },
      narrowed({ usd: 5 }),
    ],
    [
      'a key that calls no models, by a lead with a rate limit of its own',
      { name: 'ant-test', endpoints: ['usage'] },
      { scope: { endpoints: ['usage'] } },
      narrowed({ rpm: 5 }),
    ],
    [
      'the expiry of the lead itself',
      { name: 'ant-test', expires_at: START_MS / 1000 + 9 },
      { team: 'ant' },
      { ...lead, expiresAtEpochMs: START_MS + 9_000 },
    ],
  ])('is accepted: %s', (_what, body, wanted, caller = admin) => {
    expect(parse(body, caller)).toMatchObject(wanted);
    expect(parse(body, caller)).not.toHaveProperty('reason');
  });

  it.each<[string, object | string, string, string | undefined, Identity?]>([
    ['invalid JSON', '{', 'invalid_request', undefined],
    ['a list', '[]', 'invalid_request', undefined],
    ['no name', {}, 'invalid_request', 'name'],
    ['a name with capitals', { name: 'Ant-test' }, 'invalid_request', 'name'],
    ['a name over the maximum length', { name: `ant-test-${'a'.repeat(90)}` }, 'invalid_request', 'name'],
    ['a name with another environment', { name: 'ant-prod-chat' }, 'invalid_request', 'name'],
    ['a name without a team', { name: 'cow-test' }, 'invalid_request', 'team'],
    ['a name with another team than the field', { name: 'bee-test', team: 'ant' }, 'invalid_request', 'name'],
    ['an unknown team', { name: 'cow-test', team: 'cow' }, 'invalid_request', 'team'],
    ['a team for an admin', { name: 'ant-test', role: 'admin', team: 'ant' }, 'invalid_request', 'team'],
    ['an unknown role', { name: 'ant-test', role: 'king' }, 'invalid_request', 'role'],
    ['a misspelt field', { name: 'ant-test', allowed_model: [] }, 'invalid_request', 'allowed_model'],
    ['an empty list of models', { name: 'ant-test', allowed_models: [] }, 'invalid_request', 'allowed_models'],
    ['an unknown endpoint', { name: 'ant-test', endpoints: ['all'] }, 'invalid_request', 'endpoints'],
    [
      'a fractional request rate',
      { name: 'ant-test', requests_per_minute: 0.5 },
      'invalid_request',
      'requests_per_minute',
    ],
    ['text for tokens', { name: 'ant-test', tokens_per_minute: '5' }, 'invalid_request', 'tokens_per_minute'],
    ['a negative budget', { name: 'ant-test', monthly_budget_usd: -1 }, 'invalid_request', 'monthly_budget_usd'],
    [
      'an expiry in the past',
      { name: 'ant-test', expires_at: '2026-11-23T00:00:00Z' },
      'invalid_request',
      'expires_at',
    ],
    [
      'an expiry on an impossible date',
      { name: 'ant-test', expires_at: '2027-02-30T00:00:00Z' },
      'invalid_request',
      'expires_at',
    ],
    [
      'an expiry without a time zone',
      { name: 'ant-test', expires_at: '2027-02-03T00:00:00' },
      'invalid_request',
      'expires_at',
    ],
    ['an expiry that is not a time', { name: 'ant-test', expires_at: 'soon' }, 'invalid_request', 'expires_at'],
    ['an expiry after the year 9999', { name: 'ant-test', expires_at: 1e300 }, 'invalid_request', 'expires_at'],
    [
      'limits for a key that calls no models',
      { name: 'organization-test', role: 'viewer', monthly_budget_usd: 1 },
      'invalid_request',
      'monthly_budget_usd',
    ],
    [
      'a model that the team may not use',
      { name: 'ant-test', allowed_models: [MODEL, 'qwen/qwen3.6-27b'] },
      'key_too_wide',
      'allowed_models',
    ],
    [
      'more requests than the team’s limit',
      { name: 'ant-test', requests_per_minute: 61 },
      'key_too_wide',
      'requests_per_minute',
    ],
    [
      'more tokens than the team’s limit',
      { name: 'ant-test', tokens_per_minute: 1_001 },
      'key_too_wide',
      'tokens_per_minute',
    ],
    [
      'more dollars than the team’s budget',
      { name: 'ant-test', monthly_budget_usd: 100.01 },
      'key_too_wide',
      'monthly_budget_usd',
    ],
    ['a lead by a lead', { name: 'ant-test', role: 'lead' }, 'forbidden', undefined, lead],
    ['an admin by a lead', { name: 'ant-test', role: 'admin' }, 'forbidden', undefined, lead],
    ['a key of another team by a lead', { name: 'bee-test' }, 'forbidden', 'team', lead],
    [
      'a viewer of the organization by a lead',
      { name: 'organization-test', role: 'viewer' },
      'forbidden',
      'team',
      lead,
    ],
    ['any key by a member', { name: 'ant-test' }, 'forbidden', undefined, { ...lead, role: 'member' }],
    [
      'a model that its creator may not use',
      { name: 'ant-test', allowed_models: ['openai/gpt-oss-120b'] },
      'key_too_wide',
      'allowed_models',
      narrowed({ models: [MODEL] }),
    ],
    [
      'all models, by a creator with some',
      { name: 'ant-test' },
      'key_too_wide',
      'allowed_models',
      narrowed({ models: [MODEL] }),
    ],
    [
      'all endpoints, by a creator with some',
      { name: 'ant-test' },
      'key_too_wide',
      'endpoints',
      narrowed({ endpoints: ['keys'] }),
    ],
    [
      'a budget, by a creator with its own budget',
      { name: 'ant-test', monthly_budget_usd: 1 },
      'key_too_wide',
      'monthly_budget_usd',
      narrowed({ usd: 1 }),
    ],
    [
      'a request limit, by a creator with its own',
      { name: 'ant-test', requests_per_minute: 1 },
      'key_too_wide',
      'requests_per_minute',
      narrowed({ rpm: 1 }),
    ],
    [
      'a token limit, by a creator with its own',
      { name: 'ant-test', tokens_per_minute: 1 },
      'key_too_wide',
      'tokens_per_minute',
      narrowed({ tpm: 1 }),
    ],
    [
      'a later expiry than its creator’s',
      { name: 'ant-test', expires_at: START_MS / 1000 + 10 },
      'key_too_wide',
      'expires_at',
      { ...lead, expiresAtEpochMs: START_MS + 9_000 },
    ],
    [
      'no expiry, by a creator that expires',
      { name: 'ant-test' },
      'key_too_wide',
      'expires_at',
      { ...lead, expiresAtEpochMs: START_MS + 9_000 },
    ],
  ])('is refused for %s, with the field’s name', (_what, body, reason, param, caller = admin) => {
    expect(parse(body, caller)).toEqual({
      reason,
      message: expect.any(String),
      ...(param === undefined ? {} : { param }),
    });
  });
});
