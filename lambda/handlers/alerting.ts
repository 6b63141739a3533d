import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DynamoAlerts } from '../adapters/dynamo-alerts.ts';
import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { EventBus } from '../adapters/event-bus.ts';
import type { AnnouncePorts } from '../core/announce-crossings.ts';
import { readAlertVariables, readVariables } from './environment-variables.ts';
import { systemClock, systemLog } from './system.ts';

/** Bounds of one try, in milliseconds; the SDK makes three, and all of them must end before an alert's lease does. */
const CONNECT_MS = 2_000;
const ANSWER_MS = 5_000;

/** How the functions that see budgets tell of them: by events, and where there is no bus, as at `npm start`, by the log. */
export function alertPorts(client: DynamoDBClient): AnnouncePorts {
  const { environmentName, usageTable } = readVariables(process.env);
  const { settings, eventBus } = readAlertVariables(process.env);
  const requestHandler = { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };
  const bus = eventBus === undefined ? undefined : new EventBus(new EventBridgeClient({ requestHandler }), eventBus);
  return {
    environmentName,
    settings,
    claims: new DynamoAlerts(client, usageTable),
    usage: new DynamoUsage(client, usageTable, systemClock.nowEpochMs),
    publish: async (alert) => await bus?.publish(alert),
    log: systemLog,
    nowEpochMs: systemClock.nowEpochMs,
    newId: randomUUID,
    told: new Set(),
  };
}
