import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../contract.ts';
import { deriveGroqKeyId } from '../groq/io/groq-key-id.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-keys/groq-key-ports.ts';
import { GroqKeyApiClient } from '../groq-keys/io/groq-key-api-client.ts';
import { DynamoGroqKeyRepository } from '../groq-keys/io/groq-key-repository.ts';
import { groqSecret, startGroqRotation } from '../groq-keys/io/groq-secret.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';

/** Where Groq keys are known of, and where Groq is asked about them. */
export type GroqKeyStoreOptions = {
  readonly registryTable: string;
  readonly usageTable: string;
  /** @default Groq's own address */
  readonly groqBaseUrl: string | undefined;
};

/** What everyone who moves Groq keys needs: what is known of them, what was sent with them, and Groq's word on them. */
export function createGroqKeyStores(
  client: DynamoDBClient,
  { registryTable, usageTable, groqBaseUrl }: GroqKeyStoreOptions,
  nowEpochMs: () => number,
): Pick<GroqKeyPorts, 'records' | 'probe' | 'keyApi' | 'deriveKeyId' | 'use' | 'audit'> {
  const calls = new GroqKeyApiClient(groqBaseUrl);
  return {
    records: new DynamoGroqKeyRepository(client, registryTable),
    probe: calls,
    keyApi: calls,
    deriveKeyId: deriveGroqKeyId,
    use: new DynamoUsage(client, usageTable, nowEpochMs),
    audit: new DynamoAuditLog(client, registryTable),
  };
}

/** What the function that rotates Groq keys needs besides: teams' secrets, and the policies in force. */
export function createGroqRotationPorts(
  client: DynamoDBClient,
  secrets: SecretsManagerClient,
  places: GroqKeyStoreOptions & { readonly environmentName: string },
  nowEpochMs: () => number,
) {
  const { environmentName, registryTable } = places;
  const registry = new Registry(client, registryTable, nowEpochMs);
  return {
    ...createGroqKeyStores(client, places, nowEpochMs),
    secretFor: (secretId: string): GroqSecret => groqSecret(secrets, secretId, environmentName),
    secretForTeam: (team: string): GroqSecret =>
      groqSecret(secrets, groqSecretName(team, environmentName), environmentName),
    startRotation: async (team: string, functionArn: string) =>
      await startGroqRotation(secrets, team, environmentName, functionArn),
    policies: async () => (await registry.readCurrent())?.environment.teams ?? new Map(),
    environmentName,
    nowEpochMs,
  };
}
