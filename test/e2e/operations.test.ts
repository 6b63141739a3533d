import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoBudgets } from '../../lambda/ledger/io/dynamo-budgets.ts';
import { findRunningGateway } from '../../local/running-gateway.ts';
import { PROJECT_DIR } from '../../local/settings.ts';
import {
  fetchBudget,
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../support/gateway/gateway-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'operations-'));
let gateway: GatewayProcess;
let key: string;
beforeAll(async () => {
  gateway = await startGatewayProcess({ environment: roomyEnvironment({ monthlyBudgetUsd: 1 }), dataDir });
  key = gateway.teams.roomy?.key ?? '';
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs groq-rbac against the gateway of this data folder. */
async function groqRbac(...args: string[]): Promise<string> {
  const env = { ...process.env, DATA_DIR: dataDir };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(PROJECT_DIR, 'bin/groq-rbac.ts'), ...args, '--local'],
    { env },
  );
  return stdout.trim();
}

const readRefusalCode = async () => {
  const { status, text } = await postChat(gateway, key, {});
  return status === 200 ? 'accepted' : JSON.parse(text).error.code;
};

it('pauses a team with a call in flight from its next call on, and resumes it', async () => {
  const slow = postChat(gateway, key, { messages: [{ role: 'user', content: '[fault:slow:1500] slow' }] });
  while ((await fetchBudget(gateway, key)).held_usd === '0') await new Promise((resolve) => setImmediate(resolve));
  expect(await groqRbac('budget', 'pause', '--team', 'roomy', '--reason', 'a loop')).toBe(
    'Paused team "roomy" until resumed. Calls in flight finish normally.',
  );
  expect(await readRefusalCode()).toBe('team_paused');
  expect(await fetchBudget(gateway, key)).toMatchObject({ paused: { scope: 'team', reason: 'a loop', until: null } });
  expect((await slow).status).toBe(200);
  await groqRbac('budget', 'pause', '--all', '--reason', 'incident');
  await groqRbac('budget', 'resume', '--team', 'roomy', '--reason', 'fixed');
  expect(await readRefusalCode()).toBe('organization_paused');
  await groqRbac('budget', 'resume', '--all', '--reason', 'over');
  expect(await readRefusalCode()).toBe('accepted');
});

it('does not report a resumed team as paused with all teams once that pause has expired', async () => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const endpoint = findRunningGateway(dataDir)?.dynamodbEndpoint ?? '';
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const expired = { reason: 'incident', untilEpochMs: Date.now() - 1_000 };
  await new DynamoBudgets(client, 'test-ledger', Date.now).setPauseForAll(expired, async () => new Set(['roomy']));
  client.destroy();
  expect(await groqRbac('budget', 'resume', '--team', 'roomy', '--reason', 'r')).toBe('Resumed team "roomy".');
  expect(await groqRbac('budget', 'resume', '--team', 'roomy', '--reason', 'r', '--json')).toContain('"paused":false');
});

it('tops up a budget and prints the new limit', async () => {
  const topUp = JSON.parse(
    await groqRbac('budget', 'top-up', '--team', 'roomy', '--usd', '0.5', '--until', '1h', '--reason', 'r', '--json'),
  );
  expect(topUp).toMatchObject({ team: 'roomy', topped_up_usd: '0.5', limit_usd: '1.5' });
  expect(await fetchBudget(gateway, key)).toMatchObject({
    limit_usd: '1.5',
    top_ups: [{ usd: '0.5', until: topUp.until }],
  });
  const shown = JSON.parse(await groqRbac('budget', 'show', '--json'));
  expect(shown.teams).toMatchObject([{ team: 'roomy', limit_usd: '1.5' }]);
  expect(await groqRbac('budget', 'show')).toContain('$0.5 more until');
});

it('creates a key for the local gateway that works at once', async () => {
  const created = await groqRbac('keys', 'create', '--team', 'roomy');
  expect((await postChat(gateway, created, {})).status).toBe(200);
});
