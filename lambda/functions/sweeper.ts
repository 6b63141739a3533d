import { createSweepHandler } from '../alerts/io/sweep-handler.ts';
import { createDynamoClient, systemClock } from '../kernel/io/system.ts';
import { DynamoLedger } from '../ledger/io/dynamo-ledger.ts';
import { Registry } from '../policy/io/registry.ts';
import { createAlertPorts } from './alert-ports.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();

/** Entry point of the sweeper, which expires abandoned reservations and charges their maximum cost. */
export const handler = createSweepHandler({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  clock: systemClock,
  alerts: createAlertPorts(client),
  environmentName: variables.environmentName,
  write: (line) => console.log(line),
});
