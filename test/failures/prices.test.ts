import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { ChatModel } from '../../lambda/pricing/catalog.ts';
import { worstCaseCost } from '../../lambda/pricing/pricing.ts';
import { catalog } from '../support/catalog.ts';
import { HostedGateways, MODEL } from '../support/gateway/hosted-gateways.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
let hosted: HostedGateways;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterEach(async () => await hosted.close());
afterAll(async () => await database.close());

const RETIRED = 'llama-3.1-8b-instant';
const findModel = (id: string) => catalog.models.get(id) as ChatModel;

describe('a retired model that is replaced', () => {
  const policy = { allowedModels: [RETIRED, MODEL], onRetiredModel: 'replace' as const };

  it('never bills its replacement at the price of the requested model', async () => {
    hosted = await HostedGateways.start(database, { teams: { a: policy } });
    const { status, headers } = await hosted.chat('a', { model: RETIRED });
    expect([status, headers.get('x-model-replaced')]).toEqual([200, RETIRED]);
    expect(Object.keys(hosted.fake.served().byModel)).toEqual([MODEL]);
    expect(await hosted.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: hosted.billed(), overrunPicoUsd: 0n });
  });

  it('never reserves for its replacement at the price of the requested model', async () => {
    // Pays the maximum cost at the retired model's price, but not at its replacement's.
    const bound = worstCaseCost(findModel(RETIRED), 200, 50);
    expect(worstCaseCost(findModel(MODEL), 150, 50)).toBeGreaterThan(bound);
    const monthlyBudgetUsd = Number(bound) / 1e12;
    hosted = await HostedGateways.start(database, { teams: { a: { ...policy, monthlyBudgetUsd } } });
    expect((await hosted.chat('a', { model: RETIRED })).status).toBe(402);
    expect(hosted.fake.served().requests).toBe(0);
  });
});

describe('cached tokens', () => {
  it.each([false, true])('are never billed at the full price, and never ignored: stream %s', async (stream) => {
    hosted = await HostedGateways.start(database, { teams: { a: {} } });
    const content = `[cached:1000] ${'word '.repeat(2_000)}`;
    expect((await hosted.chat('a', { stream }, { content })).status).toBe(200);
    const { promptTokens, cachedTokens, completionTokens } = hosted.fake.served().byModel[MODEL] ?? {
      promptTokens: 0,
      cachedTokens: 0,
      completionTokens: 0,
    };
    expect([cachedTokens, promptTokens > 2_000]).toEqual([1_000, true]);
    // In dollars per million tokens: 0.075 for input, half of that if cached, 0.3 for output.
    const uncached = promptTokens - cachedTokens;
    const usd = (uncached * 0.075 + cachedTokens * 0.0375 + completionTokens * 0.3) / 1e6;
    expect(await hosted.waitUntilSettled('a')).toMatchObject({
      spentPicoUsd: picoUsdFromNumber(usd),
      overrunPicoUsd: 0n,
    });
  });
});

describe('a success', () => {
  it.each([
    ['without usage', '[fault:no-usage]'],
    ['with a malformed usage', '[fault:wrong-usage]'],
    ['with a usage of zero', '[fault:zero-usage]'],
  ])('never costs nothing: %s', async (_title, content) => {
    hosted = await HostedGateways.start(database, { teams: { a: {} } });
    const { status, headers } = await hosted.chat('a', {}, { content });
    const { spentPicoUsd } = await hosted.waitUntilSettled('a');
    expect([status, picoUsdFromNumber(Number(headers.get('x-request-cost-usd')))]).toEqual([200, spentPicoUsd]);
    expect(spentPicoUsd).toBeGreaterThan(ZERO_USD);
  });
});
