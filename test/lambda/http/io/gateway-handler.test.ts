import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UpstreamResponse } from '../../../../lambda/groq/upstream.ts';
import { picoUsdFromNumber } from '../../../../lambda/kernel/money.ts';
import { chatEvent, invoke } from '../../../support/gateway/gateway-in-process.ts';
import { COMPLETE_RESPONSE, encodeEvent, HandlerRig, USAGE } from '../../../support/gateway/handler-rig.ts';

let rig: HandlerRig;
beforeAll(async () => {
  rig = await HandlerRig.start();
});
beforeEach(() => rig.reset());
afterAll(async () => await rig.close());

it('never lets calls share a reservation, even with equal request ids', async () => {
  // API Gateway lets clients choose request ids.
  const sameId = { requestContext: { requestId: 'mine', authorizer: { keyId: 'k', role: 'member', team: 'chatbot' } } };
  rig.policy = {};
  let calls = 0;
  const handler = await rig.createGateway(async () => {
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return COMPLETE_RESPONSE;
  });
  const responses = await Promise.all(Array.from({ length: 5 }, () => invoke(handler, chatEvent({}, sameId as never))));
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const costs = responses.map(({ headers }) => picoUsdFromNumber(Number(headers['x-request-cost-usd'])));
  expect(calls).toBe(5);
  expect((await rig.readLedger())?.spentPicoUsd).toBe(costs.reduce<bigint>((sum, cost) => sum + cost, 0n));
});

it('sends the output limit that the budget lowered to the upstream, and reports it in headers', async () => {
  rig.policy = { monthlyBudgetUsd: 0.0002, whenLow: 'clamp' };
  const sent: unknown[] = [];
  const handler = await rig.createGateway(async ({ body }) => {
    sent.push(body.max_completion_tokens);
    return COMPLETE_RESPONSE;
  });
  const { status, headers } = await invoke(handler, chatEvent({ max_tokens: 5_000 }));
  expect([status, headers['x-max-completion-tokens-stated']]).toEqual([200, '5000']);
  expect(Number(headers['x-max-completion-tokens'])).toBeLessThan(1_000);
  expect(sent).toEqual([Number(headers['x-max-completion-tokens'])]);
});

describe('a warm admitted request', () => {
  it.each([
    ['complete', {}, COMPLETE_RESPONSE],
    [
      'streamed',
      { stream: true },
      {
        kind: 'stream',
        headers: {},
        events: (async function* () {
          yield encodeEvent({ choices: [], usage: USAGE });
        })(),
      },
    ],
  ] as [string, object, UpstreamResponse][])(
    'makes exactly two DynamoDB writes and no reads: %s',
    async (_what, body, answer) => {
      const gateway = await rig.createGateway(async (call) => ('stream' in call.body ? answer : COMPLETE_RESPONSE));
      await invoke(gateway, chatEvent({}));
      rig.database.sent.clear();
      expect(await invoke(gateway, chatEvent(body))).toMatchObject({ status: 200 });
      expect(Object.fromEntries(rig.database.sent)).toEqual({ UpdateItemCommand: 2 });
    },
  );
});

describe('a response', () => {
  it('reports limits, budget, cost and timing in headers', async () => {
    const gateway = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const { status, headers, text } = await invoke(gateway, chatEvent({ max_tokens: 100 }, {}, 'the-request'));
    expect([status, JSON.parse(text)]).toEqual([200, { choices: [], usage: USAGE }]);
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

  it('reports the output limit that the gateway chose for a client without one', async () => {
    rig.policy = { maxTokensPerRequest: 512 };
    const gateway = await rig.createGateway(async (call) => ({
      ...COMPLETE_RESPONSE,
      body: JSON.stringify({ sent: call.body.max_completion_tokens, usage: USAGE }),
    }));
    const { headers, text } = await invoke(gateway, chatEvent({}));
    expect([headers['x-max-completion-tokens'], JSON.parse(text).sent]).toEqual(['512', 512]);
  });

  it('reports the retired model that it replaced', async () => {
    rig.policy = {
      allowedModels: ['llama-3.1-8b-instant', 'openai/gpt-oss-20b'],
      onRetiredModel: 'replace',
    };
    const gateway = await rig.createGateway(async () => COMPLETE_RESPONSE);
    expect((await invoke(gateway, chatEvent({ model: 'llama-3.1-8b-instant' }))).headers).toMatchObject({
      'x-model-replaced': 'llama-3.1-8b-instant',
    });
  });
});

describe('a stream', () => {
  const streamResponse = (events: AsyncIterable<Uint8Array>): UpstreamResponse => ({
    kind: 'stream',
    headers: { 'content-type': 'text/event-stream' },
    events,
  });

  it('sends its first byte before the upstream has finished, and ends after its settlement', async () => {
    const order: string[] = [];
    let firstByte = () => {};
    const arrived = new Promise<void>((resolve) => {
      firstByte = resolve;
    });
    const gateway = await rig.createGateway(async () =>
      streamResponse(
        (async function* () {
          yield encodeEvent({ choices: [{ delta: { content: 'a' } }] });
          // The upstream waits until the client has the first byte, so a buffering gateway would hang.
          await arrived;
          order.push('upstream ends');
          yield encodeEvent({ choices: [], usage: USAGE });
          yield encodeEvent('[DONE]');
        })(),
      ),
    );
    await invoke(gateway, chatEvent({ stream: true }), () => {
      order.push('piece');
      firstByte();
    });
    expect(order).toEqual(['piece', 'upstream ends', 'piece']);
    expect(await rig.readLedger()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 2_250_000n, assumedPicoUsd: 0n });
  });

  it('that is cut is charged its maximum cost and ends with an error event', async () => {
    const gateway = await rig.createGateway(async () =>
      streamResponse(
        (async function* () {
          yield encodeEvent({ choices: [{ delta: { content: 'a' } }] });
          throw new Error('socket hang up');
        })(),
      ),
    );
    const { text } = await invoke(gateway, chatEvent({ stream: true, max_tokens: 100 }));
    expect(text).toContain('groq_stream_cut');
    const after = await rig.readLedger();
    expect(after?.assumedPicoUsd).toBe(after?.spentPicoUsd);
    expect(after?.assumedPicoUsd).toBeGreaterThanOrEqual(30_000_000n);
  });

  it('that is cut after its usage arrived is settled exactly', async () => {
    const gateway = await rig.createGateway(async () =>
      streamResponse(
        (async function* () {
          yield encodeEvent({ choices: [], x_groq: { usage: USAGE } });
        })(),
      ),
    );
    await invoke(gateway, chatEvent({ stream: true }));
    expect(await rig.readLedger()).toMatchObject({ spentPicoUsd: 2_250_000n, assumedPicoUsd: 0n });
  });
});

describe('identity', () => {
  const send = async (authorizer: object, event = {}) =>
    await invoke(
      await rig.createGateway(async () => COMPLETE_RESPONSE),
      chatEvent({}, { requestContext: { requestId: 'r', authorizer } as never, ...event }),
    );
  it('comes from the key alone, not from a header that names a team', async () => {
    rig.policy = { allowedModels: ['openai/gpt-oss-20b'] };
    expect(
      await send({ keyId: 'k', role: 'member', team: 'other' }, { headers: { 'x-team': 'chatbot' } }),
    ).toMatchObject({ status: 403, text: expect.stringContaining('unknown_team') });
  });

  it.each([['member'], ['admin']])('reports a paused team as paused in a month without calls: %s', async (role) => {
    rig.policy = {};
    const handler = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const pauses = { team: { reason: 'a loop', untilEpochMs: undefined }, organization: undefined };
    rig.ledger.readPauses = async () => pauses;
    const authorizer = { keyId: 'k', role, ...(role === 'admin' ? {} : { team: 'chatbot' }) };
    const event = { path: '/openai/v1/budget', httpMethod: 'GET', requestContext: { requestId: 'r', authorizer } };
    const { text } = await invoke(handler, chatEvent({}, event as never));
    expect(text).toContain('"paused":{"scope":"team","reason":"a loop","until":null}');
    expect(await rig.readLedger()).toBeUndefined();
  });

  it('of the whole organisation cannot call models', async () => {
    expect(await send({ keyId: 'k', role: 'admin' })).toMatchObject({ status: 403 });
  });

  it('that is missing is a fault', async () => {
    expect(await send({})).toMatchObject({ status: 500 });
  });
});

describe('a scoped key', () => {
  const scopedEvent = (scope: object, more: object = {}) => {
    const authorizer = { keyId: 'k', role: 'member', team: 'chatbot', scope: JSON.stringify(scope) };
    return { requestContext: { requestId: 'r', authorizer }, ...more } as never;
  };

  it('may call the endpoints of its scope only', async () => {
    const handler = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const scope = { endpoints: ['budget'] };
    const chat = await invoke(handler, chatEvent({}, scopedEvent(scope)));
    expect([chat.status, JSON.parse(chat.text).error.code]).toEqual([403, 'forbidden']);
    const path = '/openai/v1/budget';
    expect((await invoke(handler, chatEvent({}, scopedEvent(scope, { httpMethod: 'GET', path })))).status).toBe(200);
  });

  it('spends at most its own limit, without an effect on its team', async () => {
    const handler = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const usd = 0.0002;
    const call = async () => await invoke(handler, chatEvent({ max_tokens: 400 }, scopedEvent({ usd })));
    let spent = 0;
    for (let count = 0; count < 40; count++) spent += Number((await call()).headers['x-request-cost-usd'] ?? 0);
    expect(spent).toBeLessThanOrEqual(usd);
    const refused = await call();
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([402, 'key_budget_exceeded']);
    expect((await invoke(handler, chatEvent({}))).status).toBe(200);
  });

  it('is refused when its scope cannot be read', async () => {
    let calls = 0;
    const handler = await rig.createGateway(async () => {
      calls++;
      return COMPLETE_RESPONSE;
    });
    expect((await invoke(handler, chatEvent({}, scopedEvent({ rpm: 'many' })))).status).toBe(500);
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
    const gateway = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const response = await invoke(gateway, chatEvent('', { httpMethod, path }));
    expect(response).toMatchObject({
      status,
      headers: { 'content-type': 'application/json', 'x-request-id': expect.any(String) },
    });
    if (status >= 400)
      expect(JSON.parse(response.text)).toMatchObject({
        error: { message: expect.any(String), type: expect.any(String), code: expect.any(String) },
      });
  });
});
