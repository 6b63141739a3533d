import { dynamoClient, metricWriter, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoLedger } from '../ledger/io/dynamo-ledger.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { createReconciliation } from '../usage/io/reconcile-handler.ts';
import { readVariables } from './environment-variables.ts';

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
