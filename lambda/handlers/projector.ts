import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { readVariables } from './environment-variables.ts';
import { createProjector } from './projector-handler.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);

/** The entry point of the function that counts what the ledger's stream tells of. */
export const handler = createProjector({
  usage: new DynamoUsage(dynamoClient(), variables.usageTable, systemClock.nowEpochMs),
  log: systemLog,
});
