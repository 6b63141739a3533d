import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { AlertDeliveryPorts } from '../alerts/deliver-alerts.ts';
import { DynamoAlertRepository } from '../alerts/io/dynamo-alert-repository.ts';
import { EventBus } from '../alerts/io/event-bus.ts';
import { systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { readAlertVariables, readVariables } from './environment-variables.ts';

/** Bounds of one try, in milliseconds; the SDK makes three, and all of them must end before an alert's lease does. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/** How the functions that see budgets tell of them: by events, and where there is no bus, as at `npm start`, by the log. */
export function createAlertPorts(client: DynamoDBClient): AlertDeliveryPorts {
  const { environmentName, usageTable } = readVariables(process.env);
  const { settings, eventBus } = readAlertVariables(process.env);
  const requestHandler = { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };
  const bus = eventBus === undefined ? undefined : new EventBus(new EventBridgeClient({ requestHandler }), eventBus);
  return {
    environmentName,
    settings,
    claims: new DynamoAlertRepository(client, usageTable),
    usage: new DynamoUsage(client, usageTable, systemClock.nowEpochMs),
    publish: async (alert) => await bus?.publish(alert),
    log: systemLog,
    nowEpochMs: systemClock.nowEpochMs,
    newId: randomUUID,
    delivered: new Set(),
  };
}
