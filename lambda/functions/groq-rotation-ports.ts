import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../contract.ts';
import { deriveGroqKeyId } from '../groq/io/groq-key-id.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-keys/groq-key-ports.ts';
import { GroqKeyApiClient } from '../groq-keys/io/groq-key-api-client.ts';
import { DynamoGroqKeyRepository } from '../groq-keys/io/groq-key-repository.ts';
import { groqSecret, startGroqRotation } from '../groq-keys/io/groq-secret.ts';
import { DynamoReportedDifferences } from '../groq-keys/io/reported-differences.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';

/** Tables with the metadata of Groq keys, and the address of Groq's API. */
export type GroqKeyStoreOptions = {
  readonly registryTable: string;
  readonly usageTable: string;
  /** @default Groq's public API */
  readonly groqBaseUrl: string | undefined;
};

/** Creates the ports that every Groq key operation uses: metadata, usage, audit log and Groq's API. */
export function createGroqKeyStores(
  client: DynamoDBClient,
  { registryTable, usageTable, groqBaseUrl }: GroqKeyStoreOptions,
  nowEpochMs: () => number,
): Pick<GroqKeyPorts, 'records' | 'probe' | 'keyApi' | 'deriveKeyId' | 'use' | 'audit'> {
  const keyApi = new GroqKeyApiClient(groqBaseUrl);
  return {
    records: new DynamoGroqKeyRepository(client, registryTable),
    probe: keyApi,
    keyApi,
    deriveKeyId: deriveGroqKeyId,
    use: new DynamoUsage(client, usageTable, nowEpochMs),
    audit: new DynamoAuditLog(client, registryTable),
  };
}

/** Creates the ports of the rotation function: the ones above, the teams' secrets and the current policies. */
export function createGroqRotationPorts(
  client: DynamoDBClient,
  secrets: SecretsManagerClient,
  options: GroqKeyStoreOptions & { readonly environmentName: string },
  nowEpochMs: () => number,
) {
  const { environmentName, registryTable } = options;
  const registry = new Registry(client, registryTable, nowEpochMs);
  return {
    ...createGroqKeyStores(client, options, nowEpochMs),
    secretFor: (secretId: string): GroqSecret => groqSecret(secrets, secretId, environmentName),
    secretForTeam: (team: string): GroqSecret =>
      groqSecret(secrets, groqSecretName(team, environmentName), environmentName),
    startRotation: async (team: string, functionArn: string) =>
      await startGroqRotation(secrets, team, environmentName, functionArn),
    lister: new GroqKeyApiClient(options.groqBaseUrl),
    reported: new DynamoReportedDifferences(client, registryTable),
    catalog: async () => (await registry.readCurrent())?.catalog,
    policies: async () => (await registry.readCurrent())?.environment.teams ?? new Map(),
    environmentName,
    nowEpochMs,
  };
}
