import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChatCompletionPorts } from '../../../../lambda/chat/chat-completion.ts';
import { RecentOutputs } from '../../../../lambda/chat/recent-outputs.ts';
import { Headroom } from '../../../../lambda/groq/headroom.ts';
import type { Upstream, UpstreamResponse } from '../../../../lambda/groq/upstream.ts';
import { systemClock } from '../../../../lambda/kernel/io/system.ts';
import { picoUsdFromNumber } from '../../../../lambda/kernel/money.ts';
import { refuse } from '../../../../lambda/kernel/refusals.ts';
import { StoreError } from '../../../../lambda/kernel/store-error.ts';
import { DynamoLedger } from '../../../../lambda/ledger/io/dynamo-ledger.ts';
import type { PolicySource } from '../../../../lambda/policy/policy-source.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { chatEvent, invoke, NO_OP_USAGE_PORTS } from '../../../support/gateway/gateway-in-process.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

const { createGatewayHandler } = await import('../../../../lambda/http/io/gateway-handler.ts');

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const whole: UpstreamResponse = {
  kind: 'complete',
  body: JSON.stringify({ choices: [], usage }),
  headers: { 'content-type': 'application/json' },
};
const encode = (data: unknown) =>
  new TextEncoder().encode(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);

let tableNumber = 0;
let ledger: DynamoLedger;
let logged: string[];
let policy: Record<string, unknown>;
beforeEach(() => {
  logged = [];
  policy = { rateLimitTpm: 100_000 };
});

async function gatewayWith(
  upstream: Upstream['chat'],
  more: Partial<ChatCompletionPorts & { policies: PolicySource }> = {},
) {
  const { ensureTable } = await import('../../../../local/dynamodb/tables.ts');
  const table = `ledger-${tableNumber++}`;
  await ensureTable(database.client, table);
  ledger = new DynamoLedger(database.client, table, systemClock.nowEpochMs);
  return createGatewayHandler({
    ...NO_OP_USAGE_PORTS,
    ledger,
    upstream: { chat: upstream },
    clock: systemClock,
    log: (event, facts) => logged.push(JSON.stringify({ event, ...facts })),
    outputs: new RecentOutputs(),
    headroom: new Headroom(),
    newId: () => `id-${ids++}`,
    policies: { policies: async () => ({ teams: new Map([['chatbot', policyWith(policy)]]), catalog }) },
    ...more,
  });
}
const period = () => new Date().toISOString().slice(0, 7);
const ledgerNow = async () => await ledger.read({ team: 'chatbot', period: period() });

let ids = 0;

it('never lets calls share a reservation, whatever request id they bear', async () => {
  // API Gateway lets a client choose its request's id.
  const sameId = { requestContext: { requestId: 'mine', authorizer: { keyId: 'k', role: 'member', team: 'chatbot' } } };
  policy = {};
  let calls = 0;
  const handler = await gatewayWith(async () => {
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return whole;
  });
  const answers = await Promise.all(Array.from({ length: 5 }, () => invoke(handler, chatEvent({}, sameId as never))));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const costs = answers.map(({ headers }) => picoUsdFromNumber(Number(headers['x-request-cost-usd'])));
  expect(calls).toBe(5);
  expect((await ledgerNow())?.spentPicoUsd).toBe(costs.reduce<bigint>((sum, cost) => sum + cost, 0n));
});

it('sends a length that the budget lowered upstream, and says so', async () => {
  policy = { monthlyBudgetUsd: 0.0002, whenLow: 'clamp' };
  const sent: unknown[] = [];
  const handler = await gatewayWith(async ({ body }) => {
    sent.push(body.max_completion_tokens);
    return whole;
  });
  const { status, headers } = await invoke(handler, chatEvent({ max_tokens: 5_000 }));
  expect([status, headers['x-max-completion-tokens-stated']]).toEqual([200, '5000']);
  expect(Number(headers['x-max-completion-tokens'])).toBeLessThan(1_000);
  expect(sent).toEqual([Number(headers['x-max-completion-tokens'])]);
});

describe('a warm admitted request', () => {
  it.each([
    ['whole', {}, whole],
    [
      'streamed',
      { stream: true },
      {
        kind: 'stream',
        headers: {},
        events: (async function* () {
          yield encode({ choices: [], usage });
        })(),
      },
    ],
  ] as [string, object, UpstreamResponse][])(
    'makes exactly two DynamoDB writes and no reads: %s',
    async (_what, body, answer) => {
      const gateway = await gatewayWith(async (call) => ('stream' in call.body ? answer : whole));
      await invoke(gateway, chatEvent({}));
      database.sent.clear();
      expect(await invoke(gateway, chatEvent(body))).toMatchObject({ status: 200 });
      expect(Object.fromEntries(database.sent)).toEqual({ UpdateItemCommand: 2 });
    },
  );
});

describe('an answer', () => {
  it('tells limits, budget, cost and where the time went', async () => {
    const gateway = await gatewayWith(async () => whole);
    const { status, headers, text } = await invoke(gateway, chatEvent({ max_tokens: 100 }, {}, 'the-request'));
    expect([status, JSON.parse(text)]).toEqual([200, { choices: [], usage }]);
    expect(headers).toMatchObject({
      'x-request-id': 'the-request',
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': expect.stringMatching(/^[\d.]+s$/),
      'x-ratelimit-limit-tokens': '100000',
      'x-budget-limit-usd': '200',
      'x-budget-remaining-usd': '199.99999775',
      'x-budget-reset': expect.stringMatching(/^\d{4}-\d\d-01T00:00:00Z$/),
      'x-request-cost-usd': '0.00000225',
      'server-timing': expect.stringMatching(/^gateway;dur=[\d.]+, upstream;dur=[\d.]+$/),
    });
    expect(Number(headers['x-ratelimit-remaining-tokens'])).toBeGreaterThanOrEqual(99_985);
    expect(headers).not.toHaveProperty('x-max-completion-tokens');
  });

  it('says which output limit the gateway chose for a client that stated none', async () => {
    policy = { maxTokensPerRequest: 512 };
    const gateway = await gatewayWith(async (call) => ({
      ...whole,
      body: JSON.stringify({ sent: call.body.max_completion_tokens, usage }),
    }));
    const { headers, text } = await invoke(gateway, chatEvent({}));
    expect([headers['x-max-completion-tokens'], JSON.parse(text).sent]).toEqual(['512', 512]);
  });

  it('says which retired model it replaced', async () => {
    policy = { allowedModels: ['llama-3.1-8b-instant'], onRetiredModel: 'replace' };
    const gateway = await gatewayWith(async () => whole);
    expect((await invoke(gateway, chatEvent({ model: 'llama-3.1-8b-instant' }))).headers).toMatchObject({
      'x-model-replaced': 'llama-3.1-8b-instant',
    });
  });
});

describe('a stream', () => {
  const streamOf = (events: AsyncIterable<Uint8Array>): UpstreamResponse => ({
    kind: 'stream',
    headers: { 'content-type': 'text/event-stream' },
    events,
  });

  it('gives its first byte before the upstream has finished, and ends only once it is settled', async () => {
    const order: string[] = [];
    let firstByte = () => {};
    const arrived = new Promise<void>((resolve) => {
      firstByte = resolve;
    });
    const gateway = await gatewayWith(async () =>
      streamOf(
        (async function* () {
          yield encode({ choices: [{ delta: { content: 'a' } }] });
          // The upstream goes on only after the client has the first byte: a buffering gateway would never end.
          await arrived;
          order.push('upstream ends');
          yield encode({ choices: [], usage });
          yield encode('[DONE]');
        })(),
      ),
    );
    await invoke(gateway, chatEvent({ stream: true }), () => {
      order.push('piece');
      firstByte();
    });
    expect(order).toEqual(['piece', 'upstream ends', 'piece']);
    expect(await ledgerNow()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 2_250_000n, assumedPicoUsd: 0n });
  });

  it('that is cut is settled at its bound and tells the client', async () => {
    const gateway = await gatewayWith(async () =>
      streamOf(
        (async function* () {
          yield encode({ choices: [{ delta: { content: 'a' } }] });
          throw new Error('socket hang up');
        })(),
      ),
    );
    const { text } = await invoke(gateway, chatEvent({ stream: true, max_tokens: 100 }));
    expect(text).toContain('groq_stream_cut');
    const after = await ledgerNow();
    expect(after?.assumedPicoUsd).toBe(after?.spentPicoUsd);
    expect(after?.assumedPicoUsd).toBeGreaterThanOrEqual(30_000_000n);
  });

  it('that is cut after its usage came is settled exactly', async () => {
    const gateway = await gatewayWith(async () =>
      streamOf(
        (async function* () {
          yield encode({ choices: [], x_groq: { usage } });
        })(),
      ),
    );
    await invoke(gateway, chatEvent({ stream: true }));
    expect(await ledgerNow()).toMatchObject({ spentPicoUsd: 2_250_000n, assumedPicoUsd: 0n });
  });
});

describe('a call that fails', () => {
  it('costs nothing when Groq said no', async () => {
    const gateway = await gatewayWith(async () => ({ kind: 'rejected', refusal: refuse('groq_unavailable', 'no') }));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 503, headers: { 'x-request-cost-usd': '0' } });
    expect(await ledgerNow()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it.each([
    [
      'the answer never came',
      async () => ({ kind: 'lost', refusal: refuse('groq_answer_lost', 'lost') }) as const,
      503,
    ],
    ['the adapter itself broke', async () => Promise.reject(new Error('bug')), 500],
  ])('is kept at its bound when %s', async (_what, upstream, status) => {
    const gateway = await gatewayWith(upstream);
    expect(await invoke(gateway, chatEvent({ max_tokens: 100 }))).toMatchObject({ status });
    const after = await ledgerNow();
    expect(after).toMatchObject({ reservedPicoUsd: 0n });
    expect(after?.assumedPicoUsd).toBeGreaterThanOrEqual(30_000_000n);
  });

  it('is answered all the same when only the settlement fails, and stays held', async () => {
    const gateway = await gatewayWith(async () => whole);
    ledger.settle = async () => Promise.reject(new Error('DynamoDB is down'));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 200 });
    expect((await ledgerNow())?.reservedPicoUsd).toBeGreaterThan(0n);
    expect(logged.join()).toContain('settlement_failed');
  });

  it('is refused and never sent when the ledger cannot be reached', async () => {
    let sent = 0;
    const gateway = await gatewayWith(async () => {
      sent++;
      return whole;
    });
    ledger.reserve = async () => Promise.reject(new StoreError('ledger', 'down'));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({
      status: 503,
      text: expect.stringContaining('gateway_unavailable'),
    });
    expect(sent).toBe(0);
  });

  it('is booked whole and told to operators when it cost more than its bound', async () => {
    const dear = { prompt_tokens: 10, completion_tokens: 5_000, total_tokens: 5_010 };
    const gateway = await gatewayWith(async () => ({ ...whole, body: JSON.stringify({ usage: dear }) }));
    await invoke(gateway, chatEvent({ max_tokens: 10 }));
    expect(await ledgerNow()).toMatchObject({ spentPicoUsd: 1_500_750_000n, reservedPicoUsd: 0n });
    expect(logged.join()).toMatch(/"event":"overrun".*"model":"openai\/gpt-oss-20b","overrunUsd":"0\.00148/);
  });

  it('leaves nothing held when only the reply to its reservation was lost', async () => {
    const gateway = await gatewayWith(async () => whole);
    const reserve = ledger.reserve.bind(ledger);
    ledger.reserve = async (...args) => {
      await reserve(...args);
      throw new StoreError('ledger', 'the reply was lost');
    };
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 503 });
    expect(await ledgerNow()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it('shows no detail of a fault, and logs no prompt', async () => {
    const gateway = await gatewayWith(async () => Promise.reject(new Error('a secret detail')), {
      policies: { policies: async () => Promise.reject(new Error('another secret')) },
    });
    const { status, text } = await invoke(
      gateway,
      chatEvent({ messages: [{ role: 'user', content: 'private words' }] }),
    );
    expect(status).toBe(500);
    expect(text + logged.join()).not.toMatch(/secret|private/);
  });
});

describe('identity', () => {
  const ask = async (authorizer: object, event = {}) =>
    await invoke(
      await gatewayWith(async () => whole),
      chatEvent({}, { requestContext: { requestId: 'r', authorizer } as never, ...event }),
    );
  it('comes from the key alone: a header that names a team changes nothing', async () => {
    policy = { allowedModels: ['openai/gpt-oss-20b'] };
    expect(
      await ask({ keyId: 'k', role: 'member', team: 'other' }, { headers: { 'x-team': 'chatbot' } }),
    ).toMatchObject({ status: 403, text: expect.stringContaining('unknown_team') });
  });

  it.each([['member'], ['admin']])(
    'never reads that a paused team is not, in a month without a call: %s',
    async (role) => {
      policy = {};
      const handler = await gatewayWith(async () => whole);
      const pauses = { team: { reason: 'a loop', untilEpochMs: undefined }, organization: undefined };
      ledger.readPauses = async () => pauses;
      const authorizer = { keyId: 'k', role, ...(role === 'admin' ? {} : { team: 'chatbot' }) };
      const event = { path: '/openai/v1/budget', httpMethod: 'GET', requestContext: { requestId: 'r', authorizer } };
      const { text } = await invoke(handler, chatEvent({}, event as never));
      expect(text).toContain('"paused":{"scope":"team","reason":"a loop","until":null}');
      expect(await ledgerNow()).toBeUndefined();
    },
  );

  it('of the whole organisation has no budget to call models with', async () => {
    expect(await ask({ keyId: 'k', role: 'admin' })).toMatchObject({ status: 403 });
  });

  it('that is missing is a fault, never a pass', async () => {
    expect(await ask({})).toMatchObject({ status: 500 });
  });
});

describe('a narrowed key', () => {
  const eventBy = (scope: object, more: object = {}) => {
    const authorizer = { keyId: 'k', role: 'member', team: 'chatbot', scope: JSON.stringify(scope) };
    return { requestContext: { requestId: 'r', authorizer }, ...more } as never;
  };

  it('reaches the endpoints it is for, and no others', async () => {
    const handler = await gatewayWith(async () => whole);
    const only = { endpoints: ['budget'] };
    const chat = await invoke(handler, chatEvent({}, eventBy(only)));
    expect([chat.status, JSON.parse(chat.text).error.code]).toEqual([403, 'forbidden']);
    const path = '/openai/v1/budget';
    expect((await invoke(handler, chatEvent({}, eventBy(only, { httpMethod: 'GET', path })))).status).toBe(200);
  });

  it('spends no more than its own limit, which its team does not notice', async () => {
    const handler = await gatewayWith(async () => whole);
    const usd = 0.0002;
    const call = async () => await invoke(handler, chatEvent({ max_tokens: 400 }, eventBy({ usd })));
    let spent = 0;
    for (let n = 0; n < 40; n++) spent += Number((await call()).headers['x-request-cost-usd'] ?? 0);
    expect(spent).toBeLessThanOrEqual(usd);
    const refused = await call();
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([402, 'key_budget_exceeded']);
    expect((await invoke(handler, chatEvent({}))).status).toBe(200);
  });

  it('fails closed when its scope cannot be read', async () => {
    let calls = 0;
    const handler = await gatewayWith(async () => {
      calls++;
      return whole;
    });
    expect((await invoke(handler, chatEvent({}, eventBy({ rpm: 'many' })))).status).toBe(500);
    expect(calls).toBe(0);
  });
});

describe('paths', () => {
  it.each([
    ['GET', '/openai/v1/chat/completions', 405],
    ['POST', '/openai/v1/embeddings', 404],
    ['GET', '/', 404],
    ['GET', '/healthz', 200],
    ['GET', '/openai/v1/models/openai%2Fgpt-oss-20b', 200],
    ['GET', '/openai/v1/models/openai/gpt-oss-20b', 200],
    ['GET', '/openai/v1/models/openai%2Fgpt-oss-120b', 404],
    ['GET', '/openai/v1/models/%', 404],
  ])('%s %s is a %d with a JSON body', async (httpMethod, path, status) => {
    const gateway = await gatewayWith(async () => whole);
    const answer = await invoke(gateway, chatEvent('', { httpMethod, path }));
    expect(answer).toMatchObject({
      status,
      headers: { 'content-type': 'application/json', 'x-request-id': expect.any(String) },
    });
    if (status >= 400)
      expect(JSON.parse(answer.text)).toMatchObject({
        error: { message: expect.any(String), type: expect.any(String), code: expect.any(String) },
      });
  });
});
