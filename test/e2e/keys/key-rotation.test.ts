import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MS_PER_DAY, periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoAuditLog } from '../../../lambda/policy/io/dynamo-audit-log.ts';
import { DynamoKeyRepository } from '../../../lambda/team-keys/io/key-repository.ts';
import { type RetirementResult, retireKeys } from '../../../lambda/team-keys/retire-keys.ts';
import { DynamoUsage } from '../../../lambda/usage/io/dynamo-usage.ts';
import { findRunningGateway } from '../../../local/running-gateway.ts';
import {
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'rotation-'));
let gateway: GatewayProcess;
beforeAll(async () => {
  gateway = await startGatewayProcess({ environment: roomyEnvironment({ monthlyBudgetUsd: 50 }), dataDir });
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs the deployed retirement on the running gateway's tables, as if some days from now. */
async function retireAfter(days: number): Promise<RetirementResult> {
  const running = findRunningGateway(dataDir);
  if (running === undefined) throw new Error('the gateway does not run');
  const { environmentName, dynamodbEndpoint, ledgerTable, registryTable } = running;
  const client = new DynamoDBClient({
    endpoint: dynamodbEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const done = await retireKeys(
    {
      repository: new DynamoKeyRepository(client, registryTable, environmentName, Date.now),
      audit: new DynamoAuditLog(client, registryTable),
      ledger: new DynamoBudgets(client, ledgerTable, Date.now),
      usage: new DynamoUsage(client, `${environmentName}-usage`, Date.now),
      nowEpochMs: Date.now() + days * MS_PER_DAY,
    },
    ['roomy'],
  );
  if (days > 2) {
    const entries = await new DynamoAuditLog(client, registryTable).listNewest(
      periodAt(Date.now() + days * MS_PER_DAY),
      5,
    );
    expect(entries[0]).toMatchObject({ actor: 'retirement', action: 'retire_key', team: 'roomy' });
  }
  client.destroy();
  return done;
}

it("never fails a request across a rotation of a team's key", async () => {
  const oldKey = gateway.teams.roomy?.key ?? '';
  const oldId = oldKey.split('_')[2] ?? '';
  let inService = oldKey;
  let lateKey = oldKey;
  let isStopped = false;
  const statuses: number[] = [];
  // Three callers switch to the new key at once, one later.
  const callers = [0, 1, 2, 3].map(async (caller) => {
    for (let call = 0; !isStopped; call++) {
      const key = caller === 3 ? lateKey : inService;
      statuses.push((await postChat(gateway, key, { max_tokens: 20, stream: call % 2 === 0 })).status);
    }
  });
  const moreCalls = async (count: number) => {
    const wanted = statuses.length + count;
    await expect.poll(() => statuses.length, { timeout: 20_000 }).toBeGreaterThan(wanted);
  };

  await moreCalls(20);
  const answer = await fetch(`${gateway.baseUrl}/openai/v1/api-keys/me/rotate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${oldKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ overlap_hours: 24 }),
  });
  const { key: newKey, id: newId } = (await answer.json()) as { key: string; id: string };
  expect(answer.status).toBeLessThan(300);
  inService = newKey;
  await moreCalls(40);

  // The overlap is over and one caller still uses the old key: it stays valid and is reported.
  const keysInUse = async () => (await retireAfter(1.001)).inUse.map(({ keyId }) => keyId);
  await expect.poll(keysInUse, { timeout: 20_000 }).toEqual([oldId]);
  await moreCalls(20);
  expect(new Set(statuses)).toEqual(new Set([200]));

  // The last caller switches; days later the old key is unused.
  lateKey = newKey;
  await moreCalls(20);
  const { retired, inUse, failed } = await retireAfter(3);
  expect({ retired: retired.map(({ keyId }) => keyId), inUse, failed }).toEqual({
    retired: [oldId],
    inUse: [],
    failed: [],
  });
  await moreCalls(20);
  isStopped = true;
  await Promise.all(callers);
  expect(statuses.length).toBeGreaterThan(100);
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect((await postChat(gateway, oldKey, {})).status).toBe(401);
  expect(newId).not.toBe(oldId);
}, 90_000);
