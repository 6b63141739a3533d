import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoAudit } from '../adapters/dynamo-audit.ts';
import { DynamoKeyShelf } from '../adapters/key-shelf.ts';
import { teamServiceSecret } from '../adapters/service-secret.ts';
import { mintKeyFor, TeamKeys } from '../adapters/team-keys.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';
import { createTeamKeyRotation } from './team-key-rotation-handler.ts';

const { environmentName, registryTable } = readVariables(process.env);
const { nowEpochMs } = systemClock;
const client = dynamoClient();
const secrets = new SecretsManagerClient({});
const keys = new TeamKeys(client, registryTable, nowEpochMs);

/** The entry point of the function that rotates the keys of teams' services. */
export const handler = createTeamKeyRotation({
  secretOf: (secretId) => teamServiceSecret(secrets, secretId, environmentName),
  shelf: new DynamoKeyShelf(client, registryTable, environmentName, nowEpochMs),
  keys,
  putIfAbsent: async (key, record) => await keys.putIfAbsent(key, record),
  audit: new DynamoAudit(client, registryTable),
  mint: (text) => mintKeyFor(environmentName, text),
  environmentName,
  nowEpochMs,
  log: systemLog,
});
