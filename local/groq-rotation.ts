import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DynamoAudit } from '../lambda/adapters/dynamo-audit.ts';
import { DynamoUsage } from '../lambda/adapters/dynamo-usage.ts';
import { GroqKeyCalls } from '../lambda/adapters/groq-key-api.ts';
import { groqKeyIdOf } from '../lambda/adapters/groq-key-id.ts';
import { DynamoGroqKeyRecords } from '../lambda/adapters/groq-key-records.ts';
import { groqSecret, startGroqRotation } from '../lambda/adapters/groq-secret.ts';
import { Registry } from '../lambda/adapters/registry.ts';
import { groqSecretName } from '../lambda/contract.ts';
import { createGroqKeyRotation, type GroqKeyRotationEvent } from '../lambda/handlers/groq-key-rotation-handler.ts';
import { lambdaContext } from './lambda-runtime.ts';

/** What the local rotation of Groq keys runs over. */
export type LocalGroqRotationProps = {
  readonly environmentName: string;
  readonly dataDir: string;
  readonly groqBaseUrl: string;
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  /** Takes what operators are told, a line each. */
  readonly tell: (line: string) => void;
};

const TIMEOUT_MS = 240_000;

/** The function that rotates Groq keys, as deployed, but that news goes to the terminal and reports into the data folder. */
export function localGroqRotation(props: LocalGroqRotationProps): (event: GroqKeyRotationEvent) => Promise<void> {
  const { environmentName, dataDir, groqBaseUrl, dynamo, secrets, tell } = props;
  const [registryTable, usageTable] = [`${environmentName}-registry`, `${environmentName}-usage`];
  const registry = new Registry(dynamo, registryTable, Date.now);
  const calls = new GroqKeyCalls(groqBaseUrl);
  const handler = createGroqKeyRotation({
    secretOf: (secretId) => groqSecret(secrets, secretId, environmentName),
    secretOfTeam: (team) => groqSecret(secrets, groqSecretName(team, environmentName), environmentName),
    startRotation: async (team, functionArn) => await startGroqRotation(secrets, team, environmentName, functionArn),
    policies: async () => (await registry.inForce())?.environment.teams ?? new Map(),
    records: new DynamoGroqKeyRecords(dynamo, registryTable),
    probe: calls,
    keyApi: calls,
    keyIdOf: groqKeyIdOf,
    use: new DynamoUsage(dynamo, usageTable, Date.now),
    audit: new DynamoAudit(dynamo, registryTable),
    herald: {
      tell: async ({ lines }) => {
        for (const line of lines) tell(line);
      },
      keep: async (path, markdown) => {
        const file = join(dataDir, 'reports', path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, markdown);
        return file;
      },
    },
    environmentName,
    nowEpochMs: Date.now,
    log: () => {},
    write: () => {},
  });
  return async (event) => {
    await handler(event, lambdaContext('groq-key-rotation', 'local', TIMEOUT_MS));
  };
}
