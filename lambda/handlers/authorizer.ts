import { TeamKeys } from '../adapters/team-keys.ts';
import { createAuthorizer } from './authorize.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock } from './system.ts';

const variables = readVariables(process.env);

/** The authorizer function's entry point. */
export const handler = createAuthorizer(
  new TeamKeys(dynamoClient(), variables.registryTable, systemClock.nowEpochMs),
  variables.environmentName,
);
