import { createDynamoClient, createMetricWriter, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoLedger } from '../ledger/io/dynamo-ledger.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { createReconciliationHandler } from '../usage/io/reconcile-handler.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();

/** Entry point of the reconciler, which compares the usage with the ledgers. */
export const handler = createReconciliationHandler({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  clock: systemClock,
  environmentName: variables.environmentName,
  log: systemLog,
  write: createMetricWriter(variables.metricsFile),
});
