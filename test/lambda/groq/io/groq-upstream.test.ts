import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it } from 'vitest';
import { GroqKeys } from '../../../../lambda/groq/io/groq-keys.ts';
import { GroqUpstream } from '../../../../lambda/groq/io/groq-upstream.ts';
import type { RateLimitObserver, RateLimitReading } from '../../../../lambda/groq/rate-limit-reading.ts';
import type { OrganizationLimits } from '../../../../local/fake-groq/limits.ts';
import { type FakeGroq, startFakeGroq } from '../../../../local/fake-groq/server.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

let fake: FakeGroq | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

/** A Secrets Manager that returns these texts in order, and then the last one forever; `undefined` is a missing secret. */
function secretsWith(...texts: (string | undefined)[]): { client: SecretsManagerClient; requested: string[] } {
  const requested: string[] = [];
  const send = async (command: GetSecretValueCommand) => {
    requested.push(command.input.SecretId ?? '');
    const text = texts.length > 1 ? texts.shift() : texts[0];
    if (text === undefined) throw new ResourceNotFoundException({ message: 'none', $metadata: {} });
    return { SecretString: text };
  };
  return { client: { send } as unknown as SecretsManagerClient, requested };
}
const formatKey = (apiKey: string) => JSON.stringify({ apiKey });

async function upstreamWith({
  secrets = secretsWith(formatKey('gsk_good')),
  baseUrl,
  accepted,
  organization,
  ending = '',
}: {
  secrets?: ReturnType<typeof secretsWith>;
  baseUrl?: string;
  accepted?: string;
  organization?: OrganizationLimits;
  ending?: string;
} = {}) {
  const clock = fakeClock();
  fake = await startFakeGroq({
    ...(accepted === undefined ? {} : { acceptedKeys: new Set([accepted]) }),
    ...(organization === undefined ? {} : { limits: organization, nowMs: clock.nowEpochMs }),
  });
  const logged: string[] = [];
  const log = (event: string, facts: object) => logged.push(JSON.stringify({ event, ...facts }));
  const keys = new GroqKeys(secrets.client, 'test', clock.nowEpochMs, log);
  const readings: [string, RateLimitReading, number][] = [];
  const limits: RateLimitObserver = { observe: (...reading) => readings.push(reading) };
  const upstream = new GroqUpstream({ baseUrl: (baseUrl ?? fake.baseUrl) + ending, keys, clock, log, limits });
  const chat = (content: string, deadlineMs = 60_000, more = {}) =>
    upstream.chat({
      team: 'chatbot',
      body: { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content }], ...more },
      deadlineEpochMs: clock.nowEpochMs() + deadlineMs,
      canary: { canaryPercent: 10, canaryMinutes: 10 },
    });
  return { chat, clock, logged, secrets, fake, readings };
}

describe('GroqUpstream', () => {
  it("sends a call with the key of the team's secret", async () => {
    const { chat, secrets, fake } = await upstreamWith({ accepted: 'gsk_good' });
    expect(await chat('Hello')).toMatchObject({ kind: 'complete', headers: { 'content-type': 'application/json' } });
    expect(secrets.requested).toEqual(['groq/chatbot-test-gateway']);
    expect(fake.served().byKeySuffix).toEqual({ good: 1 });
  });

  it.each(['', '/', '/openai/v1', '/openai/v1/'])('accepts a base URL that ends with "%s"', async (ending) => {
    const { chat } = await upstreamWith({ ending });
    expect(await chat('Hello')).toMatchObject({ kind: 'complete' });
  });

  it.each(['429', '498', '503'])('retries after a %s, and bills one call', async (status) => {
    const { chat, clock, fake } = await upstreamWith();
    expect(await chat(`[fault:${status}-once]`)).toMatchObject({ kind: 'complete' });
    expect(fake.served()).toMatchObject({ requests: 2, refused: 1 });
    expect(clock.sleptMs()).toBeGreaterThan(0);
  });

  it("honours Groq's retry-after exactly", async () => {
    const { chat, clock } = await upstreamWith();
    await chat('[fault:429-once:3]');
    expect(clock.sleptMs()).toBe(3_000);
  });

  it.each([
    ['longer than clients wait', 60_000, 60],
    ['beyond the deadline', 2_000, 5],
  ])('returns a rate limit at once if its wait is %s', async (_title, deadlineMs, seconds) => {
    const { chat, clock } = await upstreamWith();
    expect(await chat(`[fault:429:${seconds}]`, deadlineMs)).toMatchObject({
      kind: 'rejected',
      refusal: { reason: 'groq_rate_limited', retryAfterMs: seconds * 1000 },
    });
    expect(clock.sleptMs()).toBe(0);
  });

  it('gives up on a persistent 503 after four attempts', async () => {
    const { chat, fake } = await upstreamWith();
    expect(await chat('[fault:503]')).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_unavailable' } });
    expect(fake.served().requests).toBe(4);
  });

  it('does not retry a 500, which may have been billed', async () => {
    const { chat, fake } = await upstreamWith();
    expect(await chat('[fault:500]')).toMatchObject({ kind: 'rejected' });
    expect(fake.served().requests).toBe(1);
  });

  it("returns Groq's error about the request with its status", async () => {
    const { chat } = await upstreamWith();
    expect(await chat('[fault:400]')).toMatchObject({
      kind: 'rejected',
      refusal: {
        reason: 'groq_rejected',
        upstreamStatus: 400,
        upstreamError: { message: expect.stringContaining('messages.0') },
      },
    });
  });

  it('refuses with groq_blocked if Groq has blocked the organisation', async () => {
    const { chat, logged } = await upstreamWith();
    expect(await chat('[fault:blocked]')).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_blocked' } });
    expect(logged.join()).toContain('groq_blocked');
  });

  it('refetches the key on a 401, so a rotation fails no request', async () => {
    const secrets = secretsWith(formatKey('gsk_old'), formatKey('gsk_new'));
    const { chat } = await upstreamWith({ secrets, accepted: 'gsk_new' });
    expect(await chat('Hello')).toMatchObject({ kind: 'complete' });
    expect(await chat('Hello')).toMatchObject({ kind: 'complete' });
    expect(secrets.requested).toHaveLength(2);
  });

  it("never returns Groq's 401 as the client's own", async () => {
    const { chat, fake } = await upstreamWith({ accepted: 'gsk_other' });
    expect(await chat('Hello')).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_key_rejected' } });
    expect(fake.served().byModel).toEqual({});
  });

  it.each([
    ['there is no secret', undefined],
    ['the secret is not JSON', 'gsk_plain'],
    ['the secret has no key', '{}'],
  ])('sends nothing if %s', async (_title, text) => {
    const { chat, fake, logged } = await upstreamWith({ secrets: secretsWith(text) });
    expect(await chat('Hello')).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_key_missing' } });
    expect(fake.served().requests).toBe(0);
    expect(logged.join()).not.toContain('gsk_plain');
  });

  it('reports a call as not billed if no connection was made', async () => {
    const { chat, fake } = await upstreamWith();
    await fake.close();
    expect(await chat('Hello')).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_unavailable' } });
  });

  it.each(['[fault:reset]', '[fault:cut]'])(
    'reports a call whose response was cut as lost, never as rejected: %s',
    async (content) => {
      const { chat } = await upstreamWith();
      expect(await chat(content)).toMatchObject({ kind: 'lost', refusal: { reason: 'groq_answer_lost' } });
    },
  );

  it.each([['whole'], ['streamed']])("reports Groq's limits of each response by model: %s", async (kind) => {
    const { chat, clock, readings } = await upstreamWith();
    const answer = await chat('Hello', 60_000, { stream: kind === 'streamed' });
    if (answer.kind === 'stream') for await (const _event of answer.events);
    expect(readings).toEqual([
      [
        'openai/gpt-oss-20b',
        {
          requests: { perWindow: 14_400, remaining: 14_399, resetAfterMs: 6_000 },
          tokens: { perWindow: 250_000, remaining: 249_900, resetAfterMs: 24 },
          isServed: true,
        },
        clock.nowEpochMs(),
      ],
    ]);
  });

  it('reports a 429 with its retry-after, its limit and its levels', async () => {
    const { chat, readings } = await upstreamWith({ organization: { tokensPerMinute: 100, requestsPerDay: 10 } });
    await chat('[tokens:50]');
    readings.length = 0;
    expect(await chat('[tokens:80]', 1_000)).toMatchObject({ refusal: { reason: 'groq_rate_limited' } });
    expect(readings.map(([, reading]) => reading)).toEqual([
      {
        requests: { perWindow: 10, remaining: 9, resetAfterMs: 8_640_000 },
        tokens: { perWindow: 100, remaining: 23, resetAfterMs: 46_200 },
        refused: { retryAfterMs: 51_000, by: 'tokens' },
      },
    ]);
  });

  it('reports a 429 without headers as one by an unreported limit', async () => {
    const { chat, readings } = await upstreamWith();
    await chat('[fault:429:60]');
    expect(readings).toMatchObject([
      ['openai/gpt-oss-20b', { refused: { retryAfterMs: 60_000, by: undefined } }, expect.any(Number)],
    ]);
  });

  it('never reuses a connection that was idle, because a frozen function does not notice its end', async () => {
    const connections: unknown[] = [];
    const server = createServer((request, response) => {
      connections.push(request.socket);
      request.resume();
      response.setHeader('content-type', 'application/json').end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { chat, clock } = await upstreamWith({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    for (let n = 0; n < 20; n++) await chat('Hello');
    const used = new Set(connections);
    expect(used.size).toBeLessThan(10);
    await clock.sleep(3_001);
    await chat('Hello');
    expect(used.has(connections.at(-1))).toBe(false);
    server.closeAllConnections();
    server.close();
  });

  it('reports a call that exceeds its deadline as lost', async () => {
    const { chat } = await upstreamWith();
    expect(await chat('[fault:hang]', 100)).toMatchObject({ kind: 'lost' });
  });

  it('ends a stream that exceeds its deadline', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {}\n\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { chat } = await upstreamWith({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const answer = await chat('Hello', 150, { stream: true });
    if (answer.kind !== 'stream') throw new Error('a stream was expected');
    const seen: string[] = [];
    const relay = async () => {
      for await (const event of answer.events) seen.push(Buffer.from(event).toString());
    };
    await expect(relay()).rejects.toThrow();
    expect(seen).toEqual(['data: {}\n\n']);
    server.closeAllConnections();
    server.close();
  });

  it('logs neither keys nor prompts', async () => {
    const { chat, logged } = await upstreamWith();
    for (const fault of ['401', '400', '429:60', '500', 'reset']) await chat(`private [fault:${fault}]`);
    expect(logged.length).toBeGreaterThan(3);
    expect(logged.join()).not.toMatch(/private|gsk_/);
  });
});
