import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoAlertRepository } from '../../../lambda/alerts/io/dynamo-alert-repository.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { CALL_USD } from '../../../local/aws/rehearsal-environment.ts';
import { findRunningGateway } from '../../../local/running-gateway.ts';
import {
  type GatewayProcess,
  postChat,
  roomyEnvironment,
  startGatewayProcess,
} from '../../support/gateway/gateway-process.ts';

/** The budget in calls. */
const CALLS = 10;
/** Maximum lag of the stream on a busy machine. */
const DELIVERY_TIMEOUT_MS = 30_000;

const dataDir = mkdtempSync(join(tmpdir(), 'alerts-'));
let gateway: GatewayProcess;
beforeAll(async () => {
  const environment = roomyEnvironment({ monthlyBudgetUsd: CALLS * CALL_USD, maxTokensPerRequest: 50 });
  gateway = await startGatewayProcess({ environment, dataDir });
});
afterAll(async () => {
  await gateway.close();
  rmSync(dataDir, { recursive: true, force: true });
});

it('records each percentage of a budget that calls have passed, once, within seconds', async () => {
  const { dynamodbEndpoint: endpoint, usageTable } = findRunningGateway(dataDir) ?? {
    dynamodbEndpoint: '',
    usageTable: '',
  };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  const alerts = new DynamoAlertRepository(client, usageTable);
  const period = periodAt(Date.now());
  const listDelivered = async () =>
    (await alerts.listRecords(period))
      .filter(({ deliveredAtEpochMs }) => deliveredAtEpochMs !== undefined)
      .map(({ crossing }) => `${crossing.holder} ${crossing.threshold}`);
  const body = { messages: [{ role: 'user', content: '[tokens:50]' }], max_tokens: 50 };
  const spend = async (calls: number) => {
    for (let made = 0; made < calls; made++)
      expect((await postChat(gateway, gateway.teams.roomy?.key ?? '', body)).status).toBe(200);
  };
  await spend(5);
  await expect.poll(listDelivered, { timeout: DELIVERY_TIMEOUT_MS }).toEqual(['roomy 50%']);
  const [first] = await alerts.listRecords(period);
  // The crossing is of the call that passed the threshold, not of a later one.
  expect(first?.crossing.spentPicoUsd).toBe((first?.crossing.limitPicoUsd ?? 0n) / 2n);
  await spend(4);
  await expect.poll(listDelivered, { timeout: DELIVERY_TIMEOUT_MS }).toEqual(['roomy 50%', 'roomy 80%']);
  const levels = gateway
    .stderr()
    .split('\n')
    .filter((line) => line.includes('"event":"budget_threshold_crossed"'))
    .map((line) => JSON.parse(line).level);
  expect(levels).toEqual(['INFO', 'WARN']);
  client.destroy();
}, 120_000);
