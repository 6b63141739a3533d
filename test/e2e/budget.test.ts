import { afterEach, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, usdText } from '../../lambda/core/money.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { billOf } from '../support/fake-bill.ts';
import {
  budgetOf,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway-process.ts';

/** What one call costs: 26 prompt tokens of "Hello" and 50 of output on gpt-oss-20b, in dollars. */
const CALL_USD = (26 * 0.075 + 50 * 0.3) / 1e6;
const CALLS = 40;

let fake: FakeGroq | undefined;
let gateway: GatewayProcess | undefined;
afterEach(async () => {
  await gateway?.close();
  await fake?.close();
});

describe('a budget worth 40 calls under 160 at once on a slow upstream', () => {
  it.each([
    ['whole, with max_tokens stated', { max_tokens: 50 }],
    ['streamed, with max_tokens stated', { max_tokens: 50, stream: true }],
    ['whole, with none stated', {}],
    ['streamed, with none stated', { stream: true }],
  ])('is never overspent and at least 95 %% usable: %s', async (_what, fields) => {
    fake = await startFakeGroq({ latencyMs: 150 });
    const environment = roomyEnvironment({
      monthlyBudgetUsd: CALLS * CALL_USD,
      maxTokensPerRequest: 'max_tokens' in fields ? 2_048 : 50,
    });
    gateway = await startGatewayProcess({ environment, env: { GROQ_BASE_URL: fake.baseUrl } });
    const { key } = gateway.teams.roomy ?? { key: '' };
    const body = { messages: [{ role: 'user', content: '[tokens:50]' }], ...fields };
    const running = gateway;
    const answers = await Promise.all(Array.from({ length: 4 * CALLS }, () => postChat(running, key, body)));
    const spent = billOf(fake.served().byModel);
    const limit = picoUsdFromNumber(CALLS * CALL_USD);
    expect(spent).toBeLessThanOrEqual(limit);
    expect(Number(spent) / Number(limit)).toBeGreaterThanOrEqual(0.95);
    expect(await budgetOf(gateway, key)).toMatchObject({
      spent_usd: usdText(spent),
      held_usd: '0',
      assumed_usd: '0',
      overrun_usd: '0',
    });
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
  });

  it('lets open-ended calls share it although one allowance alone is most of it', async () => {
    fake = await startFakeGroq({ latencyMs: 50 });
    const environment = roomyEnvironment({ monthlyBudgetUsd: CALLS * CALL_USD, maxTokensPerRequest: 2_048 });
    gateway = await startGatewayProcess({ environment, env: { GROQ_BASE_URL: fake.baseUrl } });
    const { key } = gateway.teams.roomy ?? { key: '' };
    const running = gateway;
    const body = { messages: [{ role: 'user', content: '[tokens:50]' }] };
    await Promise.all(Array.from({ length: 4 * CALLS }, () => postChat(running, key, body)));
    const spent = billOf(fake.served().byModel);
    const limit = picoUsdFromNumber(CALLS * CALL_USD);
    expect(spent).toBeLessThanOrEqual(limit);
    expect(Number(spent) / Number(limit)).toBeGreaterThanOrEqual(0.95);
  });
});
