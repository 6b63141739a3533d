import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { mintKeyWithDerivedId } from '../access/io/gateway-key.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { DynamoKeyRepository } from '../team-keys/io/key-repository.ts';
import { teamServiceSecret } from '../team-keys/io/service-secret.ts';
import { createTeamKeyRotationHandler } from '../team-keys/io/team-key-rotation-handler.ts';
import { readVariables } from './environment-variables.ts';

const { environmentName, registryTable } = readVariables(process.env);
const { nowEpochMs } = systemClock;
const client = createDynamoClient();
const secrets = new SecretsManagerClient({});
const keys = new DynamoKeyStore(client, registryTable, nowEpochMs);

/** Entry point of the function that rotates the gateway keys of the teams' services. */
export const handler = createTeamKeyRotationHandler({
  secretFor: (secretId) => teamServiceSecret(secrets, secretId, environmentName),
  repository: new DynamoKeyRepository(client, registryTable, environmentName, nowEpochMs),
  keys,
  putIfAbsent: async (key, record) => await keys.putIfAbsent(key, record),
  audit: new DynamoAuditLog(client, registryTable),
  mint: (text) => mintKeyWithDerivedId(environmentName, text),
  environmentName,
  nowEpochMs,
  log: systemLog,
});
