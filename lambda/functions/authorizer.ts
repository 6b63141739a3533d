import { TeamKeys } from '../access/io/team-keys.ts';
import { createAuthorizer } from '../http/authorize.ts';
import { dynamoClient, metricWriter, systemClock } from '../kernel/io/system.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);

/** The authorizer function's entry point. */
export const handler = createAuthorizer({
  keys: new TeamKeys(dynamoClient(), variables.registryTable, systemClock.nowEpochMs),
  environmentName: variables.environmentName,
  nowEpochMs: systemClock.nowEpochMs,
  write: metricWriter(),
});
