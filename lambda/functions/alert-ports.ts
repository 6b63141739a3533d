import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { AlertDeliveryPorts } from '../alerts/deliver-alerts.ts';
import { DynamoAlertRepository } from '../alerts/io/dynamo-alert-repository.ts';
import { EventBus } from '../alerts/io/event-bus.ts';
import { systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { readAlertVariables, readVariables } from './environment-variables.ts';

/** Timeouts of one attempt, in milliseconds. The SDK makes three, which must all end before the alert's lease expires. */
const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** Creates the ports that deliver budget alerts: to the event bus, or to the log only where there is no bus (`npm start`). */
export function createAlertPorts(client: DynamoDBClient): AlertDeliveryPorts {
  const { environmentName, usageTable } = readVariables(process.env);
  const { settings, eventBus } = readAlertVariables(process.env);
  const requestHandler = {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  };
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
