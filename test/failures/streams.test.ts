import { Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toUsdString } from '../../lambda/kernel/money.ts';
import { lambdaContext } from '../../local/host/lambda-runtime.ts';
import { chatEvent } from '../support/gateway/gateway-in-process.ts';
import {
  CALL_COST_PICO_USD,
  HostedGateways,
  type HostedOptions,
  usdForCalls,
} from '../support/gateway/hosted-gateways.ts';
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

describe('a client that disconnects', () => {
  it('never avoids the cost by disconnecting in the middle of a stream', async () => {
    await start({ a: {} }, { fake: { chunkIntervalMs: 5 } });
    await hosted.chatAndDisconnect('a', { stream: true }, 'at the first bytes');
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: CALL_COST_PICO_USD, assumedPicoUsd: 0n });
    // The gateway knows the cost because it read the stream to its end.
    expect(hosted.fake.served()).toMatchObject({ clientGone: 0 });
    expect(hosted.billed()).toBe(CALL_COST_PICO_USD);
  });

  it('never avoids the cost when its connection breaks during a stream', async () => {
    await start({ a: {} }, { fake: { chunkIntervalMs: 5 } });
    class Broken extends Writable {
      begin(): void {}
      override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
        done(chunk.length > 0 ? new Error('EPIPE') : undefined);
      }
    }
    const authorizer = { keyId: 'k', role: 'member', team: 'a' };
    const messages = [{ role: 'user', content: '[tokens:50]' }];
    const event = chatEvent({ stream: true, max_tokens: 50, messages }, { requestContext: { authorizer } as never });
    const [handler] = hosted.handlers;
    await handler?.(event, new Broken() as never, lambdaContext('gateway', 'r', 300_000)).catch(() => undefined);
    // Settled before the function returned: afterwards it is frozen, and might never settle.
    expect(await hosted.stateOf('a')).toMatchObject({
      reservedPicoUsd: 0n,
      spentPicoUsd: CALL_COST_PICO_USD,
      assumedPicoUsd: 0n,
    });
  });

  it.each([
    ['a whole answer', {}],
    ['the first byte of a stream', { stream: true }],
  ])('never avoids the cost by disconnecting while it waits for %s', async (_title, body) => {
    await start({ a: {} }, { fake: { latencyMs: 200 } });
    await hosted.chatAndDisconnect('a', body, 'once it is upstream');
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: CALL_COST_PICO_USD, assumedPicoUsd: 0n });
    expect(hosted.billed()).toBe(CALL_COST_PICO_USD);
  });

  it("never leaves money reserved or a call unpaid by disconnecting while it waits for other calls' money", async () => {
    // Pays one maximum and one actual cost, so the second call waits until the first returns what it did not use.
    await start({ a: { monthlyBudgetUsd: usdForCalls(2.8) } }, { fake: { latencyMs: 300 } });
    const first = hosted.chat('a');
    await hosted.waitForInFlight(1);
    const disconnect = new AbortController();
    const second = hosted.chat('a', {}, { signal: disconnect.signal }).catch(() => 'disconnected');
    await hosted.waitForArrivals(2);
    disconnect.abort();
    expect([(await first).status, await second]).toEqual([200, 'disconnected']);
    // The gateway cannot know that the client has disconnected, so it makes the call once the money is available.
    await hosted.waitForUpstreamCalls(2);
    const { spentPicoUsd, availablePicoUsd, limitPicoUsd } = await hosted.waitUntilSettled('a');
    expect([spentPicoUsd, availablePicoUsd]).toEqual([hosted.billed(), limitPicoUsd - hosted.billed()]);
  });
});

describe('a stream', () => {
  it.each([false, true])(
    "never costs nothing, with or without a client's request for usage: %s",
    async (include_usage) => {
      await start({ a: {} });
      const body = { stream: true, ...(include_usage ? { stream_options: { include_usage } } : {}) };
      const { status, text } = await hosted.chat('a', body);
      expect([status, text.endsWith('data: [DONE]\n\n')]).toEqual([200, true]);
      expect(await hosted.waitUntilSettled('a')).toMatchObject({
        spentPicoUsd: CALL_COST_PICO_USD,
        assumedPicoUsd: 0n,
      });
      expect(text.includes(`"cost_usd":"${toUsdString(CALL_COST_PICO_USD)}"`)).toBe(include_usage);
    },
  );

  it.each([
    ['reports no usage', '[fault:no-usage]'],
    ['reports a malformed usage', '[fault:wrong-usage]'],
    ['reports zero usage', '[fault:zero-usage]'],
    ['is cut', '[fault:cut]'],
    ['ends with an error', '[fault:error-chunk]'],
  ])('never costs less than its maximum when it %s', async (_title, content) => {
    await start({ a: {} }, { fake: { latencyMs: 200 } });
    const answer = hosted.chat('a', { stream: true }, { content });
    await hosted.waitForInFlight(1);
    const bound = (await hosted.stateOf('a'))?.reservedPicoUsd;
    await answer;
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: bound, assumedPicoUsd: bound });
  });

  it.each([false, true])('never keeps unused tokens per minute: stream %s', async (stream) => {
    await start({ a: { rateLimitTpm: 1_000 } });
    // Each may use some 800 tokens, and uses 77.
    const call = async () => (await hosted.chat('a', { stream, max_tokens: 600 })).status;
    const first = await call();
    await hosted.waitUntilSettled('a');
    expect([first, await call()]).toEqual([200, 200]);
  });

  it.each([false, true])('never keeps tokens per minute or money when Groq refuses: stream %s', async (stream) => {
    await start({ a: { rateLimitTpm: 1_000 } });
    for (let n = 0; n < 3; n++) {
      const { status } = await hosted.chat('a', { stream, max_tokens: 600 }, { content: `[fault:500] ${n}` });
      expect(status).toBe(503);
    }
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: 0n });
    expect((await hosted.chat('a', { stream, max_tokens: 600 })).status).toBe(200);
  });

  it('never returns tokens per minute whose use is unknown', async () => {
    await start({ a: { rateLimitTpm: 1_000 } });
    await hosted.chat('a', { stream: true, max_tokens: 600 }, { content: '[fault:cut]' });
    await hosted.waitUntilSettled('a');
    const { status, headers } = await hosted.chat('a', { stream: true, max_tokens: 600 });
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(10);
  });

  it('never keeps its concurrency slot after its end, however it ended', async () => {
    await start({ a: { maxConcurrent: 1 } });
    for (const content of ['[tokens:50]', '[fault:cut]', '[fault:error-chunk]', '[fault:400]', '[fault:reset]']) {
      const { status } = await hosted.chat('a', { stream: true }, { content });
      expect([content, status]).not.toEqual([content, 429]);
      await hosted.waitUntilSettled('a');
    }
  });
});
