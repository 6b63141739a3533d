import { deliverAlerts } from '../alerts/deliver-alerts.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { createProjectorHandler } from '../usage/io/projector-handler.ts';
import { createAlertPorts } from './alert-ports.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();
const alerts = createAlertPorts(client);

/** Entry point of the projector, which adds the records of the ledger's stream to the usage. */
export const handler = createProjectorHandler({
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  deliverAlerts: async (budgetSnapshots) => await deliverAlerts(alerts, budgetSnapshots),
  log: systemLog,
});
