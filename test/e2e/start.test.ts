import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { picoUsdFromNumber } from '../../lambda/kernel/money.ts';
import { freePort } from '../../local/dynamodb/embedded-dynamodb.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import { environmentFile } from '../support/environments/environment-files.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway/gateway-process.ts';
import { startTestDatabase } from '../support/ledger/test-database.ts';

let dir: string;
const running: GatewayProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'start-'));
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(
  environment: object | string = roomyEnvironment(),
  env: Record<string, string> = {},
  dataDir = join(dir, 'data'),
) {
  const gateway = await startGatewayProcess({ environment, env, dataDir });
  running.push(gateway);
  return gateway;
}
const roomyKey = (gateway: GatewayProcess) => gateway.teams.roomy?.key ?? '';

describe('a start', () => {
  it('prints nothing else on standard output, even with requests served', async () => {
    const gateway = await start();
    expect((await postChat(gateway, roomyKey(gateway), {})).status).toBe(200);
    expect(await gateway.kill('SIGTERM')).toBe(0);
    expect(gateway.stdout().trimEnd().split('\n')).toHaveLength(1);
  });

  it('prints one line of JSON with the address and a key for each team and the admin', async () => {
    const gateway = await start(environmentFile('dev'));
    expect(gateway.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(Object.keys(gateway.teams)).toEqual(['chatbot', 'analytics', 'research', 'batch-processor']);
    const admin = await fetch(`${gateway.baseUrl}/openai/v1/budget`, {
      headers: { authorization: `Bearer ${gateway.adminKey}` },
    });
    const { data } = (await admin.json()) as { data: { team: string; limit_usd: string }[] };
    expect(Object.fromEntries(data.map(({ team, limit_usd }) => [team, limit_usd]))).toEqual({
      chatbot: '200',
      analytics: '50',
      research: '500',
      'batch-processor': '500',
    });
    const models = await fetch(`${gateway.baseUrl}/openai/v1/models`, {
      headers: { authorization: `Bearer ${gateway.teams.analytics?.key}` },
    });
    expect(await models.json()).toMatchObject({
      data: [
        { id: 'openai/gpt-oss-20b', active: true },
        { id: 'llama-3.1-8b-instant', status: 'retired', replacement: 'openai/gpt-oss-20b' },
      ],
    });
  });

  it('prints the address of the dashboard and keys to sign in with', async () => {
    const env = { ...process.env, PORT: '0', DATA_DIR: join(dir, 'data') };
    const child = spawn(process.execPath, [join(PROJECT_DIR, 'local/main.ts')], { env });
    const exited = once(child, 'exit');
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      if (text.includes('Ctrl-C stops it')) break;
    }
    const [, page = ''] = /^ {2}dashboard (\S+) \(sign in with a key\)$/m.exec(text) ?? [];
    expect(await (await fetch(page)).text()).toContain('<title>Groq gateway');
    expect(text).toMatch(/^ {2}admin +grk_dev_/m);
    child.kill('SIGTERM');
    await exited;
  });

  it('on the same data keeps keys and spending, applies a changed budget, and revokes nothing', async () => {
    const first = await start();
    await postChat(first, roomyKey(first), {});
    const { spent_usd } = await fetchBudget(first, roomyKey(first));
    await first.kill('SIGTERM');
    const second = await start(roomyEnvironment({ monthlyBudgetUsd: 40 }));
    expect(roomyKey(second)).toBe(roomyKey(first));
    const budget = await fetchBudget(second, roomyKey(second));
    expect(budget).toMatchObject({ limit_usd: '40', spent_usd });
    expect(picoUsdFromNumber(Number(budget.available_usd))).toBe(
      picoUsdFromNumber(40) - picoUsdFromNumber(Number(spent_usd)),
    );
  });

  it('stores no key in the data folder, only hashes and a seed', async () => {
    const gateway = await start();
    const secret = roomyKey(gateway).split('_').at(-1) ?? '';
    await gateway.kill('SIGTERM');
    for (const file of ['dynamodb.sqlite', 'key-seed'])
      expect(readFileSync(join(dir, 'data', file), 'latin1')).not.toContain(secret);
  });

  it('shares one ledger with another gateway over an external DynamoDB', async () => {
    const database = await startTestDatabase();
    const env = { DYNAMODB_ENDPOINT: database.endpoint };
    const environment = roomyEnvironment({ monthlyBudgetUsd: 0.0001 });
    const [one, two] = [
      await start(environment, env, join(dir, 'one')),
      await start(environment, env, join(dir, 'two')),
    ];
    const calls = [one, two].flatMap((gateway) =>
      Array.from({ length: 20 }, () => postChat(gateway, roomyKey(gateway), { max_tokens: 24 })),
    );
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    const [a, b] = [await fetchBudget(one, roomyKey(one)), await fetchBudget(two, roomyKey(two))];
    expect(a).toEqual(b);
    expect(Number(a.spent_usd)).toBeLessThanOrEqual(0.0001);
    for (const gateway of running.splice(0)) await gateway.close();
    await database.close();
  });

  it('warns of an unreachable upstream, and then answers 503 at no cost', async () => {
    const gateway = await start(roomyEnvironment(), { GROQ_BASE_URL: 'http://127.0.0.1:9' });
    expect(gateway.stderr()).toMatch(/^warning: the upstream http:\/\/127\.0\.0\.1:9 cannot be reached/);
    const port = await freePort();
    const other = await start(roomyEnvironment(), { GROQ_BASE_URL: `http://127.0.0.1:${port}` }, join(dir, 'other'));
    expect(await postChat(other, roomyKey(other), {})).toMatchObject({ status: 503 });
    expect(await fetchBudget(other, roomyKey(other))).toMatchObject({ spent_usd: '0', held_usd: '0' });
  });
});

describe('a failed start explains itself in one line', () => {
  const configured = readdirSync(join(PROJECT_DIR, 'config/environments')).map((name) => name.replace(/\.ts$/, ''));
  const file = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  it.each<[string, () => [object | string, Record<string, string>], RegExp]>([
    [
      'an unknown environment',
      () => ['nowhere', {}],
      new RegExp(
        `error: ENVIRONMENT is "nowhere"; there is no .*nowhere\\.ts; choose ${configured.join(', ')}, or the path of a \\.ts or \\.json file\\n$`,
      ),
    ],
    ['a file that is not JSON', () => [file('bad.json', '{'), {}], /error: .*bad\.json: is not valid JSON: .*\n$/],
    [
      'a .ts file without a default export',
      () => [file('bad.ts', 'export const a = 1;'), {}],
      /error: .*bad\.ts: has no default export/,
    ],
    [
      'a mistyped field',
      () => [roomyEnvironment({ rateLimitRPM: 1 }), {}],
      /error: .*test\.json: team "roomy": unknown field "rateLimitRPM"; did you mean "rateLimitRpm"\?\n$/,
    ],
    [
      'a catalog that is missing',
      () => [roomyEnvironment(), { CATALOG: '/nowhere.json' }],
      /error: \/nowhere\.json: cannot be read: ENOENT.*\n$/,
    ],
    [
      'an invalid port',
      () => [roomyEnvironment(), { PORT: 'x' }],
      /error: PORT is "x"; it must be a number from 0 to 65535\n$/,
    ],
    [
      'an invalid upstream address',
      () => [roomyEnvironment(), { GROQ_BASE_URL: 'groq' }],
      /error: GROQ_BASE_URL is "groq"; it must be an address/,
    ],
    [
      'a DynamoDB that does not answer',
      () => [roomyEnvironment(), { DYNAMODB_ENDPOINT: 'http://127.0.0.1:9' }],
      /error: DynamoDB does not answer at http:\/\/127\.0\.0\.1:9: .*\n$/,
    ],
  ])('%s', async (_what, given, message) => {
    const [environment, env] = given();
    await expect(start(environment, env)).rejects.toThrow(message);
  });

  it('a busy port', async () => {
    const first = await start();
    const { port } = new URL(first.baseUrl);
    await expect(start(roomyEnvironment(), { PORT: port }, join(dir, 'other'))).rejects.toThrow(
      `error: port ${port} is in use; set PORT to another, or to 0 for a free one`,
    );
  });

  it('a data folder that another gateway uses', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`is in use by another gateway (process ${first.pid})`);
  });
});
