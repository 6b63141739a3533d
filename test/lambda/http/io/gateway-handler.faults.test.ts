import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refuse } from '../../../../lambda/kernel/refusals.ts';
import { StoreError } from '../../../../lambda/kernel/store-error.ts';
import { chatEvent, invoke } from '../../../support/gateway/gateway-in-process.ts';
import { COMPLETE_RESPONSE, HandlerRig } from '../../../support/gateway/handler-rig.ts';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

let rig: HandlerRig;
beforeAll(async () => {
  rig = await HandlerRig.start();
});
beforeEach(() => rig.reset());
afterAll(async () => await rig.close());

describe('a failed call', () => {
  it('costs nothing when Groq rejected it', async () => {
    const gateway = await rig.createGateway(async () => ({
      kind: 'rejected',
      refusal: refuse('groq_unavailable', 'no'),
    }));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 503, headers: { 'x-request-cost-usd': '0' } });
    expect(await rig.readLedger()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it.each([
    [
      'the response was lost',
      async () => ({ kind: 'lost', refusal: refuse('groq_answer_lost', 'lost') }) as const,
      503,
    ],
    ['the adapter failed', async () => Promise.reject(new Error('bug')), 500],
  ])('is charged its maximum cost when %s', async (_what, upstream, status) => {
    const gateway = await rig.createGateway(upstream);
    expect(await invoke(gateway, chatEvent({ max_tokens: 100 }))).toMatchObject({ status });
    const after = await rig.readLedger();
    expect(after).toMatchObject({ reservedPicoUsd: 0n });
    expect(after?.assumedPicoUsd).toBeGreaterThanOrEqual(30_000_000n);
  });

  it('is charged its maximum cost when Groq refused what the model wrote, which the client receives', async () => {
    const servers = new StubServers();
    const error = { message: 'Failed to call a function.', code: 'tool_use_failed', failed_generation: 'f(' };
    const { chat } = stubUpstream(await servers.answer(400, JSON.stringify({ error })));
    const gateway = await rig.createGateway(async ({ body }) => await chat(body));
    for (let n = 1; n <= 3; n++) {
      const { status, text } = await invoke(gateway, chatEvent({ max_tokens: 100 }));
      expect([status, JSON.parse(text)]).toMatchObject([400, { error }]);
      const after = await rig.readLedger();
      expect(after?.assumedPicoUsd).toBeGreaterThanOrEqual(BigInt(n) * 30_000_000n);
      expect(after?.spentPicoUsd).toBe(after?.assumedPicoUsd);
    }
    servers.close();
  });

  it('is answered when only its settlement fails, and stays reserved', async () => {
    const gateway = await rig.createGateway(async () => COMPLETE_RESPONSE);
    rig.ledger.settle = async () => Promise.reject(new Error('DynamoDB is down'));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 200 });
    expect((await rig.readLedger())?.reservedPicoUsd).toBeGreaterThan(0n);
    expect(rig.logged.join()).toContain('settlement_failed');
  });

  it('is refused and not sent when the ledger is unreachable', async () => {
    let sent = 0;
    const gateway = await rig.createGateway(async () => {
      sent++;
      return COMPLETE_RESPONSE;
    });
    rig.ledger.reserve = async () => Promise.reject(new StoreError('ledger', 'down'));
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({
      status: 503,
      text: expect.stringContaining('gateway_unavailable'),
    });
    expect(sent).toBe(0);
  });

  it('is charged in full and logged as an overrun when it cost more than its maximum', async () => {
    const expensiveUsage = { prompt_tokens: 20_000, completion_tokens: 5, total_tokens: 20_005 };
    const gateway = await rig.createGateway(async () => ({
      ...COMPLETE_RESPONSE,
      body: JSON.stringify({ usage: expensiveUsage }),
    }));
    await invoke(gateway, chatEvent({ max_tokens: 10 }));
    expect(await rig.readLedger()).toMatchObject({ spentPicoUsd: 1_501_500_000n, reservedPicoUsd: 0n });
    expect(rig.logged.join()).toMatch(/"event":"overrun".*"model":"openai\/gpt-oss-20b","overrunUsd":"0\.00148/);
  });

  it('leaves nothing reserved when only the reply to its reservation was lost', async () => {
    const gateway = await rig.createGateway(async () => COMPLETE_RESPONSE);
    const reserve = rig.ledger.reserve.bind(rig.ledger);
    rig.ledger.reserve = async (...args) => {
      await reserve(...args);
      throw new StoreError('ledger', 'the reply was lost');
    };
    expect(await invoke(gateway, chatEvent({}))).toMatchObject({ status: 503 });
    expect(await rig.readLedger()).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it('reveals no detail of a fault, and logs no prompt', async () => {
    const gateway = await rig.createGateway(async () => Promise.reject(new Error('a secret detail')), {
      policies: { policies: async () => Promise.reject(new Error('another secret')) },
    });
    const { status, text } = await invoke(
      gateway,
      chatEvent({ messages: [{ role: 'user', content: 'private words' }] }),
    );
    expect(status).toBe(500);
    expect(text + rig.logged.join()).not.toMatch(/secret|private/);
  });
});
