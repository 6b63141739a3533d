import { DynamoLedger } from '../adapters/dynamo-ledger.ts';
import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { Registry } from '../adapters/registry.ts';
import { readVariables } from './environment-variables.ts';
import { createReconciliation } from './reconcile-handler.ts';
import { dynamoClient, metricWriter, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);
const client = dynamoClient();

/** The entry point of the function that compares the usage with the ledgers. */
export const handler = createReconciliation({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  clock: systemClock,
  environmentName: variables.environmentName,
  log: systemLog,
  write: metricWriter(variables.metricsFile),
});
