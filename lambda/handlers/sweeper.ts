import { DynamoLedger } from '../adapters/dynamo-ledger.ts';
import { Registry } from '../adapters/registry.ts';
import { alertPorts } from './alerting.ts';
import { readVariables } from './environment-variables.ts';
import { createSweep } from './sweep-handler.ts';
import { dynamoClient, systemClock } from './system.ts';

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
