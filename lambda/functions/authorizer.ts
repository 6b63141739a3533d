import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { createAuthorizer } from '../http/io/authorizer.ts';
import { createDynamoClient, createMetricWriter, systemClock } from '../kernel/io/system.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);

/** The authorizer function's entry point. */
export const handler = createAuthorizer({
  keys: new DynamoKeyStore(createDynamoClient(), variables.registryTable, systemClock.nowEpochMs),
  environmentName: variables.environmentName,
  nowEpochMs: systemClock.nowEpochMs,
  write: createMetricWriter(),
});
