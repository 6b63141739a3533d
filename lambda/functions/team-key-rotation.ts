import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mintKeyFor, TeamKeys } from '../access/io/team-keys.ts';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoAudit } from '../policy/io/dynamo-audit.ts';
import { DynamoKeyShelf } from '../team-keys/io/key-shelf.ts';
import { teamServiceSecret } from '../team-keys/io/service-secret.ts';
import { createTeamKeyRotation } from '../team-keys/io/team-key-rotation-handler.ts';
import { readVariables } from './environment-variables.ts';

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
