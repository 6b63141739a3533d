import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MS_PER_DAY } from '../../lambda/kernel/period.ts';
import { type GatewayProcess, startGatewayProcess } from '../host/gateway-process.ts';
import { exampleOrganization, exampleTeams } from './example-teams.ts';

/** Days of history including today: one week to show, and one to compare it with. */
const DAYS = 14;
const ANSWER_TOKENS = 30_000;
const MAX_CONCURRENT_CALLS = 8;

/** Calls of each team on a working day, by model, and the share of its budget that is spent at the end. */
const TRAFFIC: Readonly<
  Record<keyof typeof exampleTeams, { readonly calls: Readonly<Record<string, number>>; readonly used: number }>
> = {
  chatbot: { calls: { 'openai/gpt-oss-120b': 22, 'openai/gpt-oss-20b': 12 }, used: 0.58 },
  analytics: { calls: { 'openai/gpt-oss-20b': 14 }, used: 0.83 },
  research: { calls: { 'qwen/qwen3.8-27b': 5, 'openai/gpt-oss-120b': 6 }, used: 0.31 },
  'batch-processor': { calls: { 'openai/gpt-oss-20b': 20 }, used: 0.955 },
};
type Budgets = Readonly<Partial<Record<string, number>>>;

/** Starts a gateway with two weeks of history, by starting it once for each day with a shifted clock. */
export async function startGatewayWithHistory(
  onDay: (day: number, of: number) => void,
): Promise<GatewayProcess & { readonly dataDir: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'demo-'));
  const dataDir = join(dir, 'data');
  const start = async (daysAgo: number, budgets: Budgets) => {
    const environment = join(dir, 'demo.json');
    writeFileSync(environment, JSON.stringify(buildDemoEnvironment(budgets)));
    return await startGatewayProcess({
      environment,
      dataDir,
      env: { PROVE_CLOCK_SHIFT_MS: String(-daysAgo * MS_PER_DAY) },
      nodeArguments: ['--import', new URL('../../bin/prove/shifted-clock.ts', import.meta.url).href],
    });
  };
  try {
    for (let daysAgo = DAYS - 1; daysAgo > 0; daysAgo--) {
      onDay(DAYS - daysAgo, DAYS);
      const gateway = await start(daysAgo, {});
      await sendTraffic(gateway, trafficShare(daysAgo));
      await gateway.close();
    }
    onDay(DAYS, DAYS);
    const before = await start(0, {});
    await sendTraffic(before, 0.6);
    const budgets = await deriveBudgets(before);
    await before.close();
    const gateway = await start(0, budgets);
    await sendRefusedCalls(gateway);
    await createDemoKeys(gateway);
    const close = async () => {
      await gateway.close();
      rmSync(dir, { recursive: true, force: true });
    };
    return { ...gateway, close, dataDir };
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** Returns the example teams without rate limits and with the given budgets, which match the cost of the demo's calls. */
function buildDemoEnvironment(budgets: Budgets): object {
  const demoTeams = Object.entries(exampleTeams).map(([team, policy]) => {
    const unlimited = { ...policy, maxTokensPerRequest: 32_768, rateLimitRpm: null, rateLimitTpm: null };
    return [team, { ...unlimited, monthlyBudgetUsd: budgets[team] ?? 100 }];
  });
  return { organization: exampleOrganization, teams: Object.fromEntries(demoTeams) };
}

/** Traffic is lower at weekends, varies by day, and grows slowly. */
function trafficShare(daysAgo: number): number {
  const weekday = new Date(Date.now() - daysAgo * MS_PER_DAY).getUTCDay();
  const isWeekend = weekday === 0 || weekday === 6;
  return (isWeekend ? 0.25 : 0.8) + ((daysAgo * 7) % 5) / 20 + (DAYS - daysAgo) / 60;
}

async function sendTraffic(gateway: GatewayProcess, share: number): Promise<void> {
  const calls = Object.entries(TRAFFIC).flatMap(([team, { calls: models }]) =>
    Object.entries(models).flatMap(([model, times]) =>
      Array.from({ length: Math.ceil(times * share) }, () => ({ team, model })),
    ),
  );
  const next = calls.values();
  const worker = async () => {
    for (const { team, model } of next) await sendCall(gateway, team, model, ANSWER_TOKENS);
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_CALLS }, worker));
}

/** Sends a call of a team, and ignores the result. */
export async function sendCall(gateway: GatewayProcess, team: string, model: string, tokens: number): Promise<void> {
  const messages = [{ role: 'user', content: `[tokens:${tokens}] Hello` }];
  await sendRequest(gateway, gateway.teams[team]?.key ?? '', 'POST', 'chat/completions', { model, messages });
}

/** Sends calls to models that a team may not use, that are retired, or that do not exist. */
async function sendRefusedCalls(gateway: GatewayProcess): Promise<void> {
  for (let times = 0; times < 4; times++) await sendCall(gateway, 'analytics', 'openai/gpt-oss-120b', 10);
  for (let times = 0; times < 7; times++) await sendCall(gateway, 'chatbot', 'llama-3.3-70b-versatile', 10);
  for (let times = 0; times < 2; times++) await sendCall(gateway, 'research', 'no-such-model', 10);
}

/** Creates keys of each role, and keys that are rotated, revoked, and out of budget. */
async function createDemoKeys(gateway: GatewayProcess): Promise<void> {
  const create = async (body: object) =>
    (await sendRequest(gateway, gateway.adminKey, 'POST', 'api-keys', body)) as {
      readonly id: string;
      readonly key: string;
    };
  await create({ name: 'chatbot-demo-lead', role: 'lead' });
  const rotated = await create({ name: 'chatbot-demo-web', monthly_budget_usd: 5 });
  await create({ name: 'organization-demo-finance', role: 'viewer' });
  const revoked = await create({ name: 'research-demo-notebook' });
  await sendRequest(gateway, gateway.adminKey, 'POST', `api-keys/${rotated.id}/rotate`, {});
  await sendRequest(gateway, gateway.adminKey, 'DELETE', `api-keys/${revoked.id}?reason=the%20notebook%20was%20shared`);
  const trial = await create({ name: 'research-demo-trial', monthly_budget_usd: 0.0001 });
  const body = { model: 'openai/gpt-oss-120b', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 2_000 };
  for (let times = 0; times < 9; times++) await sendRequest(gateway, trial.key, 'POST', 'chat/completions', body);
}

async function deriveBudgets(gateway: GatewayProcess): Promise<Budgets> {
  const answer = (await sendRequest(gateway, gateway.adminKey, 'GET', 'budget')) as {
    readonly data: readonly { readonly team: keyof typeof exampleTeams; readonly spent_usd: string }[];
  };
  const roundToCents = (usd: number) => Math.round(usd * 100) / 100;
  return Object.fromEntries(
    answer.data.map(({ team, spent_usd }) => [team, roundToCents(Number(spent_usd) / TRAFFIC[team].used)]),
  );
}

async function sendRequest(
  gateway: GatewayProcess,
  key: string,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return await response.json();
}
