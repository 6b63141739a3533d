import { afterEach, describe, expect, it } from 'vitest';
import { picoUsdFromNumber, toUsdString } from '../../lambda/kernel/money.ts';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../local/dynamodb/embedded-dynamodb.ts';
import { type FakeGroq, startFakeGroq } from '../../local/fake-groq/server.ts';
import { computeBill } from '../support/gateway/fake-bill.ts';
import {
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway/gateway-process.ts';

/** Cost of a call in dollars: 27 prompt tokens and 50 of output on gpt-oss-20b. */
const CALL_USD = (27 * 0.075 + 50 * 0.3) / 1e6;
const CALLS = 120;
const TEAMS = ['ant', 'bee', 'cat', 'dog'];

let fake: FakeGroq | undefined;
let database: EmbeddedDynamodb | undefined;
let gateways: GatewayProcess[] = [];
afterEach(async () => {
  for (const gateway of gateways) await gateway.close();
  gateways = [];
  await fake?.close();
  await database?.close();
});

/** Starts two gateway processes on one ledger, and four teams that could each spend half of a cap for 120 calls. */
async function start(latencyMs: number): Promise<void> {
  fake = await startFakeGroq({ latencyMs });
  database = await startEmbeddedDynamodb();
  const { roomy } = roomyEnvironment({ monthlyBudgetUsd: (CALLS / 2) * CALL_USD, maxTokensPerRequest: 50 }).teams;
  const environment = {
    organization: { monthlyCapUsd: CALLS * CALL_USD },
    teams: Object.fromEntries(TEAMS.map((team) => [team, roomy])),
  };
  const env = { GROQ_BASE_URL: fake.baseUrl, DYNAMODB_ENDPOINT: database.endpoint };
  for (let count = 0; count < 2; count++) gateways.push(await startGatewayProcess({ environment, env }));
}

async function sendCalls(team: string, count: number, fields: object): Promise<number[]> {
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], ...fields };
  const calls = Array.from({ length: count }, async (_, index) => {
    const gateway = gateways[index % gateways.length] as GatewayProcess;
    const answer = await postChat(gateway, gateway.teams[team]?.key ?? '', body);
    if (answer.status === 402) codes.add(JSON.parse(answer.text).error.code);
    return answer.status;
  });
  return await Promise.all(calls);
}
let codes = new Set<string>();

async function organizationBudget(): Promise<Record<string, string>> {
  const [gateway] = gateways as [GatewayProcess];
  const headers = { authorization: `Bearer ${gateway.adminKey}` };
  const answer = (await (await fetch(`${gateway.baseUrl}/openai/v1/budget`, { headers })).json()) as {
    organization: Record<string, string>;
  };
  return answer.organization;
}

describe("teams whose budgets add up to twice the organisation's cap, on two gateways with one ledger", () => {
  it.each<[string, object]>([
    ['whole, with max_tokens stated', { max_tokens: 50 }],
    ['streamed, with none stated', { stream: true }],
  ])('never spend more than the cap together, and can spend at least 95 %% of it: %s', async (_what, fields) => {
    await start(200);
    codes = new Set();
    const answers = (await Promise.all(TEAMS.map((team) => sendCalls(team, CALLS, fields)))).flat();
    const billed = computeBill(fake?.served().byModel ?? {});
    const cap = picoUsdFromNumber(CALLS * CALL_USD);
    const admitted = answers.filter((status) => status === 200).length;
    const usable = Number(billed) / Number(cap);
    console.log(
      `cap of $${toUsdString(cap)} worth ${CALLS} calls, ${answers.length} sent: ${admitted} admitted, $${toUsdString(billed)} billed, ${(100 * usable).toFixed(1)} % usable`,
    );
    expect(new Set(answers)).toEqual(new Set([200, 402]));
    expect(billed).toBeLessThanOrEqual(cap);
    expect(usable).toBeGreaterThanOrEqual(0.95);
    expect(codes).toContain('organization_budget_exceeded');
    expect(await organizationBudget()).toMatchObject({ spent_usd: toUsdString(billed), held_usd: '0' });
  });

  it('gives one team the idle leases of others', async () => {
    await start(0);
    for (const team of ['bee', 'cat', 'dog']) await sendCalls(team, 1, { max_tokens: 50 });
    codes = new Set();
    const answers = await sendCalls('ant', CALLS, { max_tokens: 50 });
    // Its own budget, half of the cap, is the only limit that refuses calls.
    expect(codes).toEqual(new Set(['team_budget_exceeded']));
    expect(answers.filter((status) => status === 200).length).toBeGreaterThanOrEqual(0.95 * (CALLS / 2));
  });
});
