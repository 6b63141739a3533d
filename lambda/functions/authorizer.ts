import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { createAuthorizer } from '../http/io/authorizer.ts';
import { createDynamoClient, createMetricWriter, systemClock } from '../kernel/io/system.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);

/** Entry point of the authorizer function. */
export const handler = createAuthorizer({
  keys: new DynamoKeyStore(createDynamoClient(), variables.registryTable, systemClock.nowEpochMs),
  environmentName: variables.environmentName,
  nowEpochMs: systemClock.nowEpochMs,
  write: createMetricWriter(),
});
