import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HostedGateways, type HostedOptions, MODEL, usdForCalls } from '../support/gateway/hosted-gateways.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
let hosted: HostedGateways;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterEach(async () => await hosted.close());
afterAll(async () => await database.close());

const start = async (teams: HostedOptions['teams'], more: Omit<HostedOptions, 'teams'> = {}) => {
  hosted = await HostedGateways.start(database, { teams, ...more });
};
const PATH = '/openai/v1/chat/completions';

describe('a refusal for an exhausted budget', () => {
  const clients = {
    'groq-sdk': () => new Groq({ apiKey: hosted.keyOf('broke'), baseURL: hosted.urlOf() }),
    openai: () =>
      new OpenAI({ apiKey: hosted.keyOf('broke'), baseURL: `${hosted.urlOf()}/openai/v1` }) as unknown as Groq,
  };
  const broke = { broke: { monthlyBudgetUsd: usdForCalls(1) } };

  it.each(Object.keys(clients) as (keyof typeof clients)[])(
    'is never retried by %s with its default retries',
    async (name) => {
      await start(broke);
      const messages = [{ role: 'user' as const, content: 'Hello' }];
      for (let calls = 1; calls <= 3; calls++) {
        const call = clients[name]().chat.completions.create({ model: MODEL, messages, max_tokens: 50 });
        await expect(call).rejects.toMatchObject({ status: 402, message: expect.stringContaining('monthly budget') });
        expect(hosted.arrived).toBe(calls);
      }
    },
  );

  it.each<[string, HostedOptions['teams'], HostedOptions['organization'] | undefined]>([
    ['team_budget_exceeded', broke, undefined],
    ['organization_budget_exceeded', { broke: {} }, { monthlyCapUsd: usdForCalls(1) }],
  ])('never looks like a rate limit that resets soon: %s', async (code, teams, organization) => {
    await start(teams, organization === undefined ? {} : { organization });
    const { status, headers, text } = await hosted.chat('broke');
    expect([status, JSON.parse(text).error]).toEqual([
      402,
      expect.objectContaining({ type: 'insufficient_quota', code }),
    ]);
    expect([headers.get('x-should-retry'), headers.get('retry-after')]).toEqual(['false', null]);
    expect(hosted.fake.served().requests).toBe(0);
  });
});

describe('a call over the tokens per minute', () => {
  it('never reaches Groq when it can never fit, and never hides the numbers', async () => {
    await start({ a: { rateLimitTpm: 6_000 } });
    const { status, headers, text } = await hosted.chat('a', { max_tokens: 14_000 });
    const { message, type } = JSON.parse(text).error;
    expect([status, type, headers.get('x-should-retry')]).toEqual([413, 'tokens', 'false']);
    expect(message).toMatch(/may use 141\d\d tokens \(1\d\d in, 14000 out\), and team "a" has 6000 a minute/);
    expect(hosted.fake.served().requests).toBe(0);
    expect(await hosted.stateOf('a')).toBeUndefined();
  });

  it('never reaches Groq when it does not fit now, and returns when it will', async () => {
    await start({ a: { rateLimitTpm: 1_000 } }, { fake: { latencyMs: 300 } });
    const first = hosted.chat('a', { max_tokens: 600 });
    await hosted.waitForInFlight(1);
    const { status, headers } = await hosted.chat('a', { max_tokens: 600 });
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(1_000);
    expect((await first).status).toBe(200);
    expect(hosted.fake.served().requests).toBe(1);
  });
});

describe('a client', () => {
  const claims: Readonly<Record<string, RequestInit & { body?: never }>> = {
    'x-team': { headers: { 'x-team': 'rich' } },
    'x-team-id': { headers: { 'x-team-id': 'rich', 'x-tenant-id': 'rich' } },
    'OpenAI-Organization': { headers: { 'openai-organization': 'rich', 'openai-project': 'rich' } },
    'x-amzn headers': { headers: { 'x-amzn-apigateway-api-id': 'rich', 'x-amz-security-token': 'rich' } },
  };

  it.each(Object.keys(claims))('never chooses its team by the header %s', async (name) => {
    await start({ rich: {}, broke: { monthlyBudgetUsd: 0 } });
    expect((await hosted.chat('broke', {}, claims[name])).status).toBe(402);
    expect((await hosted.chat('rich', {}, { headers: { 'x-team': 'broke' } })).status).toBe(200);
    expect(await hosted.waitUntilSettled('rich')).toMatchObject({ spentPicoUsd: hosted.billed() });
  });

  it.each([
    ['user', { user: 'rich' }, 402],
    ['metadata', { metadata: { team: 'rich', user_api_key_team_id: 'rich' } }, 402],
    ['a field of its own', { team: 'rich', key: 'rich', authorizer: { team: 'rich' } }, 400],
  ])('never chooses its team in the body: %s', async (_title, body, status) => {
    await start({ rich: {}, broke: { monthlyBudgetUsd: 0 } });
    expect((await hosted.chat('broke', body)).status).toBe(status);
    expect(hosted.fake.served().requests).toBe(0);
  });

  it('never chooses its team in the query, and passes its key only in Authorization', async () => {
    await start({ rich: {}, broke: { monthlyBudgetUsd: 0 } });
    const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 });
    const post = async (team: string, path: string, headers: Record<string, string> = {}) =>
      (await hosted.send(team, path, { method: 'POST', body, headers })).status;
    const key = hosted.keyOf('rich');
    expect(await post('broke', `${PATH}?team=rich&api_key=${key}`)).toBe(402);
    expect(await post('broke', PATH, { 'x-api-key': key, 'api-key': key })).toBe(402);
    expect(await post('nobody', PATH, { 'x-api-key': key, 'api-key': key })).toBe(401);
    expect(hosted.fake.served().requests).toBe(0);
  });
});

describe('a path that no budget meters', () => {
  it.each([
    '/openai/v1/audio/transcriptions',
    '/openai/v1/audio/translations',
    '/openai/v1/audio/speech',
    '/openai/v1/batches',
    '/openai/v1/files',
    '/openai/v1/embeddings',
    '/openai/v1/responses',
    '/openai/v1/completions',
    '/openai/v1/fine_tunings',
    '/openai/v1/chat/completions/',
    '/openai/v1/chat/completions/x',
    '/openai//v1/chat/completions',
    '/openai/v1/Chat/Completions',
    '/openai/v1/chat%2Fcompletions',
    '/openai/v1/models/../chat/completions/..',
    '/v1/chat/completions',
    '/groq/openai/v1/chat/completions',
    '/_fake/served',
  ])('is never forwarded: POST %s', async (path) => {
    await start({ a: {} });
    const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hello' }] });
    const { status, text } = await hosted.send('a', path, { method: 'POST', body });
    // The gateway's own 404, which lists its endpoints.
    expect([status, JSON.parse(text).error.code]).toEqual([404, 'unknown_url']);
    expect(text).toContain('This gateway serves');
    expect(hosted.fake.served().requests).toBe(0);
    expect(await hosted.stateOf('a')).toBeUndefined();
  });
});
