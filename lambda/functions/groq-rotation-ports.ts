import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { groqSecretName } from '../contract.ts';
import { groqKeyIdOf } from '../groq/io/groq-key-id.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-keys/groq-key-ports.ts';
import { GroqKeyCalls } from '../groq-keys/io/groq-key-api.ts';
import { DynamoGroqKeyRecords } from '../groq-keys/io/groq-key-records.ts';
import { groqSecret, startGroqRotation } from '../groq-keys/io/groq-secret.ts';
import { DynamoAudit } from '../policy/io/dynamo-audit.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';

/** Where Groq keys are known of, and where Groq is asked about them. */
export type GroqKeyPlaces = {
  readonly registryTable: string;
  readonly usageTable: string;
  /** @default Groq's own address */
  readonly groqBaseUrl: string | undefined;
};

/** What everyone who moves Groq keys needs: what is known of them, what was sent with them, and Groq's word on them. */
export function groqKeyStores(
  client: DynamoDBClient,
  { registryTable, usageTable, groqBaseUrl }: GroqKeyPlaces,
  nowEpochMs: () => number,
): Pick<GroqKeyPorts, 'records' | 'probe' | 'keyApi' | 'keyIdOf' | 'use' | 'audit'> {
  const calls = new GroqKeyCalls(groqBaseUrl);
  return {
    records: new DynamoGroqKeyRecords(client, registryTable),
    probe: calls,
    keyApi: calls,
    keyIdOf: groqKeyIdOf,
    use: new DynamoUsage(client, usageTable, nowEpochMs),
    audit: new DynamoAudit(client, registryTable),
  };
}

/** What the function that rotates Groq keys needs besides: teams' secrets, and the policies in force. */
export function groqRotationPorts(
  client: DynamoDBClient,
  secrets: SecretsManagerClient,
  places: GroqKeyPlaces & { readonly environmentName: string },
  nowEpochMs: () => number,
) {
  const { environmentName, registryTable } = places;
  const registry = new Registry(client, registryTable, nowEpochMs);
  return {
    ...groqKeyStores(client, places, nowEpochMs),
    secretOf: (secretId: string): GroqSecret => groqSecret(secrets, secretId, environmentName),
    secretOfTeam: (team: string): GroqSecret =>
      groqSecret(secrets, groqSecretName(team, environmentName), environmentName),
    startRotation: async (team: string, functionArn: string) =>
      await startGroqRotation(secrets, team, environmentName, functionArn),
    policies: async () => (await registry.inForce())?.environment.teams ?? new Map(),
    environmentName,
    nowEpochMs,
  };
}
