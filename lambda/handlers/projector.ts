import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { announceCrossings } from '../core/announce-crossings.ts';
import { alertPorts } from './alerting.ts';
import { readVariables } from './environment-variables.ts';
import { createProjector } from './projector-handler.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);
const client = dynamoClient();
const alerts = alertPorts(client);

/** The entry point of the function that counts what the ledger's stream tells of. */
export const handler = createProjector({
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  announce: async (sights) => await announceCrossings(alerts, sights),
  log: systemLog,
});
