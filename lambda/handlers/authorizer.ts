import { TeamKeys } from '../adapters/team-keys.ts';
import { createAuthorizer } from './authorize.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, metricWriter, systemClock } from './system.ts';

const variables = readVariables(process.env);

/** The authorizer function's entry point. */
export const handler = createAuthorizer({
  keys: new TeamKeys(dynamoClient(), variables.registryTable, systemClock.nowEpochMs),
  environmentName: variables.environmentName,
  nowEpochMs: systemClock.nowEpochMs,
  write: metricWriter(),
});
