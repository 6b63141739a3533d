import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUsd, type PicoUsd, parseUsd, picoUsd, toUsdString, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { weekAt } from '../../../lambda/reporting/iso-week.ts';
import { PROJECT_DIR } from '../../../local/settings.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';
import { waitForSettledUsage } from '../../support/gateway/reported-usage.ts';
import { parseCsv } from '../../support/parse-csv.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'report-'));
const { roomy } = roomyEnvironment().teams;
const MARKERS = ['', '[tokens:200]', '[cached:10]', '[fault:400]', '[fault:cut]'];
const MODELS = ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'];
let gateway: GatewayProcess;
let spent: Readonly<Record<string, string>>;
let week: string;
beforeAll(async () => {
  week = weekAt(Date.now());
  gateway = await startGatewayProcess({ environment: { teams: { chat: roomy, search: roomy, idle: roomy } }, dataDir });
  const keyFor = (team: string) => gateway.teams[team]?.key ?? '';
  const calls = ['chat', 'search'].flatMap((team) =>
    MARKERS.flatMap((marker) => MODELS.map((model) => ({ team, marker, model }))),
  );
  await Promise.all(
    calls.map(({ team, marker, model }) =>
      postChat(gateway, keyFor(team), {
        model,
        max_tokens: 300,
        messages: [{ role: 'user', content: `${marker} hello` }],
      }),
    ),
  );
  for (const team of ['chat', 'search']) await waitForSettledUsage(gateway, keyFor(team));
  const budgets = await Promise.all(
    ['chat', 'search', 'idle'].map(async (team) => [team, await fetchBudget(gateway, keyFor(team))] as const),
  );
  spent = Object.fromEntries(budgets.map(([team, budget]) => [team, String(budget.spent_usd)]));
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const run = async (args: readonly string[], env: object = {}) =>
  await promisify(execFile)(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'report', ...args], {
    env: { ...process.env, DATA_DIR: dataDir, ...env },
    maxBuffer: 16 * 1024 * 1024,
  });
const ACCESS_METHODS = {
  'on the tables': () => [['--local'], {}] as const,
  'by a key over HTTP': () => [['--endpoint', gateway.baseUrl], { GROQ_RBAC_KEY: gateway.adminKey }] as const,
};
const runReport = async (method: keyof typeof ACCESS_METHODS, format: string, ...options: readonly string[]) => {
  const [target, env] = ACCESS_METHODS[method]();
  return await run(['--week', week, '--format', format, ...target, ...options], env);
};
const toPico = (text: string | undefined): PicoUsd => {
  const amount = parseUsd((text ?? '').replace(/^-/, ''));
  if (amount === undefined) throw new Error(`${text} is not an amount`);
  return picoUsd(text?.startsWith('-') ? -amount : amount);
};
const sum = (amounts: readonly (string | undefined)[]) => toUsdString(addUsd(ZERO_USD, ...amounts.map(toPico)));
const allSpent = () => sum(Object.values(spent));

describe.each(Object.keys(ACCESS_METHODS) as (keyof typeof ACCESS_METHODS)[])('groq-rbac report, %s', (method) => {
  it("adds up to the ledgers' spending, to the last pico-dollar, in every format", async () => {
    const csv = parseCsv((await runReport(method, 'csv')).stdout);
    expect(sum(csv.map(({ cost_usd }) => cost_usd))).toBe(allSpent());
    for (const team of ['chat', 'search'])
      expect(sum(csv.filter((row) => row.team === team).map(({ cost_usd }) => cost_usd))).toBe(spent[team]);
    const focus = parseCsv((await runReport(method, 'focus')).stdout);
    expect(sum(focus.map(({ BilledCost }) => BilledCost))).toBe(allSpent());
    // Interrupted calls are assumed charges.
    expect(focus.filter((row) => row.x_IsAssumed === 'true').length).toBeGreaterThan(0);
    const { data } = JSON.parse((await runReport(method, 'json')).stdout);
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ week, environment: 'test', figures: 'provisional', gap_usd: '0' });
    expect(data[0].total.cost_usd).toBe(allSpent());
    for (const { team, cost_usd, budget } of data[0].teams)
      expect([team, cost_usd, budget.spent_usd]).toEqual([team, spent[team], spent[team]]);
    expect(data[0].teams).toHaveLength(3);
    const html = (await runReport(method, 'html')).stdout;
    expect(html).toContain(`title="$${allSpent()}"`);
    const table = await runReport(method, 'table');
    expect(table.stdout).toMatch(new RegExp(`^Week ${week}, .* environment test`));
    expect(table.stdout).toContain(`Exactly: $${allSpent()}.`);
    expect(table.stdout).toMatch(/^idle +\$0\.0/m);
    // There is no progress output without a terminal.
    expect(table.stderr).toBe('');
  });
});

it('is the same from the tables and over HTTP, also for many weeks', async () => {
  const csvs = await Promise.all(
    (Object.keys(ACCESS_METHODS) as (keyof typeof ACCESS_METHODS)[]).map(
      async (method) => (await runReport(method, 'focus', '--weeks', '53')).stdout,
    ),
  );
  expect(csvs[0]).toBe(csvs[1]);
  expect(csvs[0]?.split('\r\n').length).toBeGreaterThan(5);
});

it('writes to a file, and contains only what the key may see', async () => {
  const lead = await run(
    ['--endpoint', gateway.baseUrl, '--week', week, '--format', 'json', '--out', join(dataDir, 'r.json')],
    {
      GROQ_RBAC_KEY: await leadKey('chat'),
    },
  );
  expect(lead.stdout).toBe('');
  const { data } = JSON.parse(readFileSync(join(dataDir, 'r.json'), 'utf8'));
  expect(data[0].teams.map(({ team }: { team: string }) => team)).toEqual(['chat']);
  expect([data[0].total.cost_usd, data[0].organization]).toEqual([spent.chat, null]);
  await expect(
    run(['--endpoint', gateway.baseUrl], { GROQ_RBAC_KEY: gateway.teams.chat?.key ?? '' }),
  ).rejects.toMatchObject({
    stderr: 'error: the key of a member sees its own usage only; use the key of a lead, a viewer or an admin\n',
  });
});

async function leadKey(team: string): Promise<string> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: `${team}-test-report`, team, role: 'lead' }),
  });
  return ((await response.json()) as { key: string }).key;
}
