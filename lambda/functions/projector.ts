import { announceCrossings } from '../alerts/announce-crossings.ts';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { createProjector } from '../usage/io/projector-handler.ts';
import { alertPorts } from './alerting.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = dynamoClient();
const alerts = alertPorts(client);

/** The entry point of the function that counts what the ledger's stream tells of. */
export const handler = createProjector({
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  announce: async (sights) => await announceCrossings(alerts, sights),
  log: systemLog,
});
