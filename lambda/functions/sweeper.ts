import { createSweep } from '../alerts/io/sweep-handler.ts';
import { dynamoClient, systemClock } from '../kernel/io/system.ts';
import { DynamoLedger } from '../ledger/io/dynamo-ledger.ts';
import { Registry } from '../policy/io/registry.ts';
import { alertPorts } from './alerting.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = dynamoClient();

/** The entry point of the function that takes calls nobody came back for as spent. */
export const handler = createSweep({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  clock: systemClock,
  alerts: alertPorts(client),
  environmentName: variables.environmentName,
  write: (line) => console.log(line),
});
