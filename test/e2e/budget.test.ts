import { afterEach, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { computeBill } from '../support/gateway/fake-bill.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway/gateway-process.ts';

/** Cost of a call in dollars: 26 prompt tokens and 50 of output on gpt-oss-20b. */
const CALL_USD = (26 * 0.075 + 50 * 0.3) / 1e6;
const CALLS = 100;

let fake: FakeGroq | undefined;
let gateway: GatewayProcess | undefined;
afterEach(async () => {
  await gateway?.close();
  await fake?.close();
});

/** Sends four times the calls that the budget pays, all concurrently, and compares the bill with the budget. */
async function sendCalls(maxTokensPerRequest: number, latencyMs: number, fields: object): Promise<void> {
  fake = await startFakeGroq({ latencyMs });
  const environment = roomyEnvironment({ monthlyBudgetUsd: CALLS * CALL_USD, maxTokensPerRequest });
  const running = await startGatewayProcess({ environment, env: { GROQ_BASE_URL: fake.baseUrl } });
  gateway = running;
  const { key } = running.teams.roomy ?? { key: '' };
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], ...fields };
  const answers = await Promise.all(Array.from({ length: 4 * CALLS }, () => postChat(running, key, body)));
  const spent = computeBill(fake.served().byModel);
  const limit = picoUsdFromNumber(CALLS * CALL_USD);
  const usable = Number(spent) / Number(limit);
  const admitted = answers.filter(({ status }) => status === 200).length;
  console.log(
    `budget of $${toUsdString(limit)}: ${admitted} admitted, $${toUsdString(spent)} billed, ${(100 * usable).toFixed(1)} % usable`,
  );
  expect(spent).toBeLessThanOrEqual(limit);
  expect(usable).toBeGreaterThanOrEqual(0.95);
  expect(await fetchBudget(running, key)).toMatchObject({
    spent_usd: toUsdString(spent),
    held_usd: '0',
    assumed_usd: '0',
    overrun_usd: '0',
  });
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
}

describe('a budget for 100 calls, under 400 concurrent calls on a slow upstream', () => {
  it.each<[string, object]>([
    ['whole, with max_tokens stated', { max_tokens: 50 }],
    ['streamed, with max_tokens stated', { max_tokens: 50, stream: true }],
    ['whole, with none stated', {}],
    ['streamed, with none stated', { stream: true }],
  ])('is never overspent and at least 95 %% usable: %s', async (_what, fields) => {
    await sendCalls('max_tokens' in fields ? 2_048 : 50, 300, fields);
  });

  it('is shared by calls without max_tokens, although the limit of one call alone is a third of it', async () => {
    await sendCalls(2_048, 100, {});
  });
});
