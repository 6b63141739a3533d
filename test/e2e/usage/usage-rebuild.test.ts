import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DeleteItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoAuditLog } from '../../../lambda/policy/io/dynamo-audit-log.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';
import { PROJECT_DIR } from '../../../local/settings.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';
import { fetchUsage, type UsageResponse, waitForSettledUsage } from '../../support/gateway/reported-usage.ts';
import { startTestDatabase, type TestDatabase } from '../../support/ledger/test-database.ts';

let fake: FakeGroq;
let database: TestDatabase;
let gateway: GatewayProcess;
let dir: string;
beforeAll(async () => {
  fake = await startFakeGroq({ chunkIntervalMs: 1 });
  dir = mkdtempSync(join(tmpdir(), 'rebuild-'));
});
beforeEach(async () => {
  await gateway?.close();
  await database?.close();
  // A database of its own, because the gateway's embedded one deletes counted stream records.
  database = await startTestDatabase();
  gateway = await startGatewayProcess({
    environment: roomyEnvironment(),
    env: { GROQ_BASE_URL: fake.baseUrl, DYNAMODB_ENDPOINT: database.endpoint },
    dataDir: join(dir, 'data'),
  });
});
afterAll(async () => {
  await gateway?.close();
  await fake.close();
  await database?.close();
  rmSync(dir, { recursive: true, force: true });
});

const teamKey = () => gateway.teams.roomy?.key ?? '';

async function sendCallsInParallel(calls: number): Promise<void> {
  const send = async (_: unknown, index: number) => {
    const markers = ['', '[tokens:100]', '[cached:9]', '[fault:cut]', '[fault:400]'];
    const content = `${markers[index % markers.length]} ${index}`;
    // The gateway refuses every seventh call.
    const model = index % 7 === 0 ? { model: 'nobody/knows' } : {};
    await postChat(gateway, teamKey(), {
      ...model,
      stream: index % 2 === 0,
      max_tokens: 120,
      messages: [{ role: 'user', content }],
    });
  };
  await Promise.all(Array.from({ length: calls }, send));
}

/** Waits until usage contains all calls and refusals, and returns it. */
async function waitForUsage(refused: number): Promise<UsageResponse> {
  await vi.waitFor(async () => expect((await fetchUsage(gateway, teamKey())).total.refused_requests).toBe(refused), {
    timeout: 20_000,
    interval: 100,
  });
  return await waitForSettledUsage(gateway, teamKey());
}

/** Deletes items from the usage table, as if the projector had never written them. Returns their number. */
async function deleteItems(isDeleted: (partition: string, sortKey: string) => boolean): Promise<number> {
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: 'test-usage' }));
  const deleted = Items.filter(({ pk, sk }) => isDeleted(pk?.S ?? '', sk?.S ?? ''));
  for (const { pk, sk } of deleted) {
    if (pk === undefined || sk === undefined) continue;
    await database.client.send(new DeleteItemCommand({ TableName: 'test-usage', Key: { pk, sk } }));
  }
  return deleted.length;
}

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function rebuild(...options: readonly string[]): Promise<Outcome> {
  const command = [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'usage', 'rebuild', '--local', ...options];
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: join(dir, 'data') };
  return await promisify(execFile)(process.execPath, command, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

it('counts lost usage again from the stream, nothing twice, and reports that everything matches', async () => {
  await sendCallsInParallel(40);
  const before = await waitForUsage(6);
  // A rebuild of complete usage changes nothing.
  const idle = await rebuild('--json');
  expect([idle.code, JSON.parse(idle.stdout)]).toMatchObject([0, { counted: 0, gaps: [], busy: [], isWhole: true }]);
  expect(
    await deleteItems((partition, sortKey) => partition.startsWith('END#') || /^(DAY|GROQKEY)#/.test(sortKey)),
  ).toBeGreaterThan(30);
  expect((await fetchUsage(gateway, teamKey())).total.cost_usd).toBe('0');
  const done = await rebuild('--json');
  expect([done.code, JSON.parse(done.stdout)]).toMatchObject([0, { unreadable: 0, gaps: [], isWhole: true }]);
  expect(JSON.parse(done.stdout).counted).toBeGreaterThan(30);
  const after = await fetchUsage(gateway, teamKey());
  expect(after.total).toEqual(before.total);
  expect(JSON.parse((await rebuild('--json')).stdout)).toMatchObject({ counted: 0, isWhole: true });
  // There is no progress output without a terminal.
  expect(done.stderr).toBe('');
});

it('counts lost usage while calls continue, and adjusts no ledger that is changing', async () => {
  await sendCallsInParallel(20);
  await waitForUsage(3);
  await deleteItems((partition, sortKey) => partition.startsWith('END#') || sortKey.startsWith('DAY#'));
  const traffic = { isOn: true };
  const sending = (async () => {
    while (traffic.isOn) {
      await sendCallsInParallel(3);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const during = await rebuild('--adjust', '--reason', 'too early').finally(() => {
    traffic.isOn = false;
  });
  await sending;
  expect(during).toMatchObject({ code: 2, stderr: expect.stringContaining('calls are in progress in roomy in ') });
  const { total } = await waitForSettledUsage(gateway, teamKey());
  expect(total.cost_usd).toBe((await fetchBudget(gateway, teamKey())).spent_usd);
  expect(await rebuild()).toMatchObject({ code: 0 });
});

it('records usage that the stream no longer has as unattributed, once, with a reason, and only with --adjust', async () => {
  await sendCallsInParallel(20);
  const { total } = await waitForUsage(3);
  // The markers remain, so these calls are never counted again.
  await deleteItems((_, sortKey) => sortKey.startsWith('DAY#'));
  const report = await rebuild();
  expect([report.code, report.stdout]).toEqual([
    1,
    expect.stringContaining(`roomy  ${periodAt(Date.now())}  $${total.cost_usd}`),
  ]);
  expect((await rebuild('--adjust')).stderr).toContain('--adjust needs --reason');
  const done = await rebuild('--adjust', '--reason', 'the table was restored');
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('Recorded as unattributed')]);
  // A member sees only its own key, an admin sees everything.
  expect((await fetchUsage(gateway, teamKey())).data).toEqual([]);
  const all = await fetchUsage(gateway, gateway.adminKey, '?group_by=key,model');
  expect(all.data).toMatchObject([
    { key_id: '-', model: 'unattributed', cost_usd: total.cost_usd, assumed_usd: total.assumed_usd, requests: 0 },
  ]);
  expect(await rebuild('--adjust', '--reason', 'again')).toMatchObject({ code: 0 });
  expect((await fetchUsage(gateway, gateway.adminKey)).total.cost_usd).toBe(total.cost_usd);
  const entries = await new DynamoAuditLog(database.client, 'test-registry').listNewest(periodAt(Date.now()), 100);
  expect(entries.filter(({ action }) => action === 'adjust usage')).toMatchObject([
    { team: 'roomy', details: expect.stringContaining('the table was restored') },
  ]);
});
