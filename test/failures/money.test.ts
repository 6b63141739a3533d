import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
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
const times = <T>(count: number, run: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));
const statuses = (answers: readonly { status: number }[]) => new Set(answers.map(({ status }) => status));

describe('admission', () => {
  it('never lets N parallel calls spend more than the budget by checking without reserving', async () => {
    await start({ a: { monthlyBudgetUsd: usdForCalls(25) } }, { fake: { latencyMs: 100 } });
    const answers = await times(150, async () => await hosted.chat('a'));
    expect(hosted.billed()).toBeLessThanOrEqual(25n * CALL_COST_PICO_USD);
    expect(hosted.fake.served().requests).toBeLessThanOrEqual(25);
    expect(statuses(answers)).toEqual(new Set([200, 402]));
    expect(await hosted.waitUntilSettled('a')).toMatchObject({
      spentPicoUsd: hosted.billed(),
      assumedPicoUsd: 0n,
      overrunPicoUsd: 0n,
    });
  });

  it('never lets the call that crosses the budget complete', async () => {
    // Pays the first call, but not quite the maximum cost of a second one, which is above its actual cost.
    await start({ a: { monthlyBudgetUsd: usdForCalls(2.5) } });
    expect((await hosted.chat('a')).status).toBe(200);
    expect((await hosted.chat('a')).status).toBe(402);
    expect(hosted.fake.served().requests).toBe(1);
  });

  it.each([
    ['of zero', 0],
    ['of less than one call', usdForCalls(1)],
  ])('never lets the first concurrent calls of a new team past a budget %s', async (_title, monthlyBudgetUsd) => {
    await start({ fresh: { monthlyBudgetUsd } });
    expect(await hosted.stateOf('fresh')).toBeUndefined();
    expect(statuses(await times(30, async () => await hosted.chat('fresh')))).toEqual(new Set([402]));
    expect(hosted.fake.served().requests).toBe(0);
  });

  it('never gives the first concurrent calls of a new team more than one budget', async () => {
    await start({ fresh: { monthlyBudgetUsd: usdForCalls(5) } }, { fake: { latencyMs: 50 }, replicas: 3 });
    const answers = await times(60, async (replica) => await hosted.chat('fresh', {}, { replica }));
    expect(statuses(answers)).toEqual(new Set([200, 402]));
    expect(await hosted.waitUntilSettled('fresh')).toMatchObject({
      limitPicoUsd: picoUsdFromNumber(usdForCalls(5)),
      spentPicoUsd: hosted.billed(),
    });
    expect(hosted.billed()).toBeLessThanOrEqual(5n * CALL_COST_PICO_USD);
  });
});

describe('a cost that cannot be predicted', () => {
  it.each<[string, object, number]>([
    ['a model that is not in the catalog', { model: 'gpt-9' }, 404],
    ['a model without a bounded price', { model: 'groq/compound' }, 403],
    ['a tool that is billed per use', { tools: [{ type: 'browser_search' }] }, 400],
    ['a model billed by the second of audio', { model: 'whisper-large-v3' }, 400],
    ['an output without a number', { max_tokens: 'all' }, 400],
    ['several answers in one', { n: 5 }, 400],
    // An image counts as the whole context window, which this budget does not pay.
    [
      'an image behind an address',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }] }] },
      402,
    ],
  ])('never sends a call without a reservation: %s', async (_title, body, status) => {
    await start({ a: { allowedModels: ['openai/gpt-oss-20b', 'whisper-large-v3'], monthlyBudgetUsd: 0.009 } });
    expect((await hosted.chat('a', body)).status).toBe(status);
    expect(hosted.fake.served().requests).toBe(0);
    expect((await hosted.stateOf('a'))?.spentPicoUsd ?? 0n).toBe(0n);
  });

  it.each([1, 1_000, 100_000])('never bills a prompt of %d bytes above its reservation', async (bytes) => {
    await start({ a: {} }, { fake: { latencyMs: 100 } });
    const content = 'x'.repeat(bytes);
    const answer = hosted.chat('a', {}, { content });
    await hosted.waitForInFlight(1);
    const held = (await hosted.stateOf('a'))?.reservedPicoUsd;
    expect((await answer).status).toBe(200);
    const after = await hosted.waitUntilSettled('a');
    expect(after).toMatchObject({ spentPicoUsd: hosted.billed(), overrunPicoUsd: 0n });
    expect(held).toBeGreaterThanOrEqual(after.spentPicoUsd);
  });
});

describe('a budget that is nearly used up', () => {
  it('never lowers a reservation without lowering the limit sent to Groq', async () => {
    await start({ a: { monthlyBudgetUsd: usdForCalls(20), whenLow: 'clamp' } });
    const { status, headers } = await hosted.chat('a', { max_tokens: 50_000 }, { content: '[tokens:50000]' });
    const sent = hosted.fake.lastBodies().at(-1);
    expect([status, headers.get('x-max-completion-tokens-stated')]).toEqual([200, '50000']);
    expect(sent?.max_completion_tokens).toBe(Number(headers.get('x-max-completion-tokens')));
    // The fake answers up to the limit that it receives: with the client's limit, the budget would be overspent.
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: hosted.billed(), overrunPicoUsd: 0n });
    expect(hosted.billed()).toBeLessThanOrEqual(20n * CALL_COST_PICO_USD);
  });

  it("never lowers the client's max_tokens for a team that prefers a refusal", async () => {
    await start({ a: { monthlyBudgetUsd: usdForCalls(20) } });
    expect((await hosted.chat('a', { max_tokens: 50_000 })).status).toBe(402);
    expect(hosted.fake.served().requests).toBe(0);
  });

  it('never reserves the whole rest of the budget for one call without max_tokens', async () => {
    const policy = { monthlyBudgetUsd: usdForCalls(20), maxTokensPerRequest: 50 };
    await start({ a: policy }, { fake: { latencyMs: 300 } });
    const answers = times(10, async () => await hosted.chat('a', { max_tokens: undefined }));
    await hosted.waitForInFlight(10);
    expect(hosted.fake.lastBodies().map((body) => body.max_completion_tokens)).toEqual(Array(10).fill(50));
    expect(statuses(await answers)).toEqual(new Set([200]));
  });

  it('never reports reserved money as spent', async () => {
    await start({ a: { monthlyBudgetUsd: usdForCalls(20) } });
    const hanging = hosted.chat('a', {}, { content: '[fault:hang]' });
    await hosted.waitForInFlight(1);
    const held = toUsdString((await hosted.stateOf('a'))?.reservedPicoUsd ?? picoUsdFromNumber(0));
    const { status, text } = await hosted.chat('a', { max_tokens: 50_000 });
    const { message } = JSON.parse(text).error;
    expect([status, message]).toEqual([402, expect.stringContaining('has spent $0 of its monthly budget')]);
    expect(message).toContain(`$${held} is held by requests in flight`);
    const report = JSON.parse((await hosted.send('a', '/openai/v1/budget')).text);
    expect(report).toMatchObject({ spent_usd: '0', held_usd: held });
    await hosted.fake.close();
    await hanging;
  });
});

describe('reserved money', () => {
  it('never lets calls that wait for it hold back batch calls of other teams', async () => {
    const poor = { monthlyBudgetUsd: usdForCalls(3), maxTokensPerRequest: 4_096 };
    await start(
      { poor, job: { priority: 'batch' } },
      { fake: { limits: { tokensPerMinute: 10_000, requestsPerDay: 100_000 } } },
    );
    await hosted.chat('job');
    const holds = hosted.chat('poor', { max_tokens: 100 }, { content: '[tokens:50][fault:slow:3000]' });
    await hosted.waitForInFlight(1);
    const { arrived } = hosted;
    const waiting = times(60, async () => await hosted.chat('poor', { max_tokens: 100 }));
    await hosted.waitForArrivals(arrived + 60);
    // Time for the first refusal of each.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(hosted.fake.served().inFlight).toBe(1);
    expect((await hosted.chat('job')).status).toBe(200);
    await Promise.all([holds, waiting]);
  });

  const REFUSED = ['400', '500', 'blocked', '429:60', '503'];
  const BROKEN = ['reset', 'cut', 'error-chunk', 'no-usage', 'wrong-usage', 'zero-usage'];
  const endings = [...REFUSED, ...BROKEN].flatMap((fault) =>
    [false, true].map((stream) => ({ fault, stream, team: `t-${fault.replace(':', '-')}-${stream}` })),
  );

  it('never stays reserved after its call, and is never returned when the cost is unknown', async () => {
    // High priority, so that one team's 429 by Groq does not hold the others back.
    await start(Object.fromEntries(endings.map(({ team }) => [team, { priority: 'high' }])));
    await Promise.all(
      endings.map(async ({ fault, stream, team }) => {
        await hosted.chat(team, { stream }, { content: `[fault:${fault}] ${team}` });
        const { spentPicoUsd, assumedPicoUsd } = await hosted.waitUntilSettled(team);
        expect([team, spentPicoUsd > 0n, assumedPicoUsd === spentPicoUsd]).toEqual([
          team,
          BROKEN.includes(fault),
          true,
        ]);
        if (BROKEN.includes(fault)) expect(spentPicoUsd).toBeGreaterThanOrEqual(CALL_COST_PICO_USD);
      }),
    );
  });
});
