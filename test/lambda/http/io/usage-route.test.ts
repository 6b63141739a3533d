import type { APIGatewayProxyEvent } from 'aws-lambda';
import { expect, it } from 'vitest';
import { RecentOutputs } from '../../../../lambda/chat/recent-outputs.ts';
import { Headroom } from '../../../../lambda/groq/headroom.ts';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { openOrganizationLedger } from '../../../../lambda/ledger/organization-ledger.ts';
import { NO_USAGE, type UsageRow } from '../../../../lambda/usage/usage.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { chatEvent, invoke, NO_OP_USAGE_PORTS } from '../../../support/gateway/gateway-in-process.ts';
import { MemoryLedger } from '../../../support/ledger/memory-ledger.ts';

const { createGatewayHandler } = await import('../../../../lambda/http/io/gateway-handler.ts');

const row = (team: string, day: string, keyId: string, model: string, more: Partial<UsageRow> = {}): UsageRow => ({
  ...NO_USAGE,
  requests: 1,
  promptTokens: 10,
  completionTokens: 5,
  costPicoUsd: picoUsd(1_500_000n),
  ...more,
  team,
  day,
  keyId,
  model,
});
/** The clock is at 2026-11-24. */
const ROWS: readonly UsageRow[] = [
  row('chatbot', '2026-11-24', 'key1', 'm'),
  row('chatbot', '2026-11-24', 'key2', 'm', {
    cachedTokens: 4,
    reasoningTokens: 3,
    upstreamMs: 250,
    voided: 2,
    expired: 1,
    assumedPicoUsd: picoUsd(7n),
    refusals: { team_paused: 2, model_not_allowed: 1 },
  }),
  row('chatbot', '2026-11-23', 'key1', 'n'),
  row('chatbot', '2026-10-31', 'key1', 'm'),
  row('gone', '2026-11-24', 'key9', 'm'),
];

const teamsRead: string[] = [];
const periodsRead: string[] = [];
const memory = new MemoryLedger(fakeClock().nowEpochMs);
const handler = createGatewayHandler({
  recorder: NO_OP_USAGE_PORTS.recorder,
  ledger: Object.assign(memory, {
    readOrganization: async (period: string) => {
      periodsRead.push(period);
      return { ...openOrganizationLedger(picoUsd(1n)), holders: new Set(['gone']) };
    },
  }),
  upstream: { chat: async () => Promise.reject(new Error('nothing is called')) },
  clock: fakeClock(),
  log: () => {},
  outputs: new RecentOutputs(),
  headroom: new Headroom(),
  newId: () => 'id',
  policies: { policies: async () => ({ teams: new Map([['chatbot', policyWith()]]), catalog }) },
  usage: {
    listRows: async (team, from, to) => {
      teamsRead.push(team);
      return ROWS.filter((each) => each.team === team && each.day >= from && each.day <= to);
    },
  },
  keyNames: { listKeyNames: async (team) => new Map([['key1', `${team}-web`]]) },
});

async function get(identity: object, query: Record<string, string[]> | null = null) {
  teamsRead.length = 0;
  periodsRead.length = 0;
  const event = {
    httpMethod: 'GET',
    path: '/openai/v1/usage',
    body: null,
    multiValueQueryStringParameters: query,
    requestContext: { requestId: 'r', authorizer: identity },
  } as unknown as Partial<APIGatewayProxyEvent>;
  const { status, text } = await invoke(handler, chatEvent('', event));
  return { status, body: JSON.parse(text) };
}
const MEMBER = { keyId: 'key1', role: 'member', team: 'chatbot' };
const LEAD = { ...MEMBER, role: 'lead' };
const ADMIN = { keyId: 'a', role: 'admin' };
const COUNTS = {
  requests: 1,
  prompt_tokens: 10,
  cached_tokens: 0,
  completion_tokens: 5,
  reasoning_tokens: 0,
  upstream_ms: 0,
  cost_usd: '0.0000015',
  assumed_usd: '0',
  voided_requests: 0,
  expired_requests: 0,
  refused_requests: 0,
  refusals: {},
};

it('shows a member its own key: this month by day, and today by key', async () => {
  expect(await get(MEMBER)).toEqual({
    status: 200,
    body: {
      object: 'usage',
      from: '2026-11-01',
      to: '2026-11-24',
      group_by: ['day'],
      data: [
        { day: '2026-11-23', ...COUNTS },
        { day: '2026-11-24', ...COUNTS },
      ],
      total: { ...COUNTS, requests: 2, prompt_tokens: 20, completion_tokens: 10, cost_usd: '0.000003' },
      usage_by_key: [
        {
          key_name: 'chatbot-web',
          key_id: 'key1',
          team: 'chatbot',
          requests_today: 1,
          tokens_today: 15,
          estimated_cost_usd: 0.0000015,
        },
      ],
    },
  });
  expect(teamsRead).toEqual(['chatbot']);
});

it('shows a lead every key of its team in the requested groups, and names a nameless key by its id', async () => {
  const { body } = await get(LEAD, { group_by: ['key,model'], from: ['2026-11-24'] });
  expect(body.data).toEqual([
    { key_id: 'key1', key_name: 'chatbot-web', model: 'm', ...COUNTS },
    {
      ...COUNTS,
      key_id: 'key2',
      key_name: 'key2',
      model: 'm',
      cached_tokens: 4,
      reasoning_tokens: 3,
      upstream_ms: 250,
      voided_requests: 2,
      expired_requests: 1,
      assumed_usd: '0.000000000007',
      refused_requests: 3,
      refusals: { model_not_allowed: 1, team_paused: 2 },
    },
  ]);
});

it('reports today by key whatever days are requested', async () => {
  const { body } = await get(LEAD, { to: ['2026-10-31'] });
  expect(body.data).toEqual([{ day: '2026-10-31', ...COUNTS }]);
  expect(body.usage_by_key.map(({ key_id }: { key_id: string }) => key_id)).toEqual(['key1', 'key2']);
});

it('shows an admin every team, including one whose policy was removed', async () => {
  const { body } = await get(ADMIN, { group_by: ['team'] });
  expect(body.data.map(({ team, requests }: Record<string, unknown>) => [team, requests])).toEqual([
    ['chatbot', 3],
    ['gone', 1],
  ]);
});

it('refuses unknown parameters, and a key without access to usage', async () => {
  expect(await get(ADMIN, { group_by: ['teams'] })).toMatchObject({
    status: 400,
    body: {
      error: { code: 'invalid_request', param: 'group_by', message: expect.stringContaining('did you mean "team"') },
    },
  });
  expect(await get(ADMIN, { team: ['chatbot'] })).toMatchObject({ status: 400, body: { error: { param: 'team' } } });
  expect(await get({ keyId: 'k', role: 'member' })).toMatchObject({ status: 403 });
  expect(teamsRead).toEqual([]);
});

it.each([
  ['2026-11-30', '2027-02-01', ['2026-11', '2026-12', '2027-01', '2027-02']],
  ['9999-11-30', '9999-12-31', ['9999-11', '9999-12']],
])('looks for removed teams in each month from %s to %s, and in no other', async (from, to, months) => {
  expect((await get(ADMIN, { from: [from], to: [to] })).status).toBe(200);
  expect(periodsRead).toEqual(months);
});
