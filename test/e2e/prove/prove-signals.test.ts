import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toUsdString } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { startFakeGroq } from '../../../local/fake-groq/server.ts';
import { PROJECT_DIR } from '../../../local/settings.ts';
import { roomyEnvironment, startGatewayProcess } from '../../support/gateway/gateway-process.ts';
import { startTestDatabase, type TestDatabase } from '../../support/ledger/test-database.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
let dataDir: string;
let database: TestDatabase;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'prove-signals-'));
  cleanUp.push(() => rmSync(dataDir, { recursive: true, force: true }));
  database = await startTestDatabase();
  cleanUp.push(database.close);
  const fake = await startFakeGroq({ latencyMs: 300 });
  cleanUp.push(fake.close);
  const env = { GROQ_BASE_URL: fake.baseUrl, DYNAMODB_ENDPOINT: database.endpoint };
  const gateway = await startGatewayProcess({ environment: roomyEnvironment(), env, dataDir });
  cleanUp.push(gateway.close);
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function limit(): Promise<string> {
  const state = await new DynamoBudgets(database.client, 'test-ledger', Date.now).read({
    team: 'roomy',
    period: periodAt(Date.now()),
  });
  return state === undefined ? '' : toUsdString(state.limitPicoUsd);
}

/** Starts a proof on the gateway's team, and waits until its budget has changed. */
async function startProve() {
  const args = ['prove', '--local', '--team', 'roomy', '--only', 'whole', '--calls', '400', '--at-once', '10'];
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args, '--out', dataDir], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  cleanUp.push(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  while ((await limit()) === '100') await new Promise((resolve) => setTimeout(resolve, 20));
  return { child, ended, stderr: () => stderr };
}

it.each<[NodeJS.Signals, number]>([
  ['SIGINT', 1],
  ['SIGINT', 2],
  ['SIGTERM', 1],
  ['SIGHUP', 1],
])("restores a team's budget and deletes the key after %s, %d times", async (signal, times) => {
  const { child, ended } = await startProve();
  for (let count = 0; count < times; count++) {
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await ended).toBe(130);
  expect(await limit()).toBe('100');
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: 'test-registry' }));
  expect(Items.filter(({ name }) => name?.S?.endsWith('-prove'))).toEqual([]);
});

it('fails with an error when the budget cannot be restored', async () => {
  const { child, ended, stderr } = await startProve();
  await database.close();
  child.kill('SIGINT');
  expect(await ended).toBe(1);
  expect(stderr()).toContain('error: team roomy still has the budget of the proof');
});
