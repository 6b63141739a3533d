import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { DynamoAudit } from '../adapters/dynamo-audit.ts';
import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { GroqKeyCalls } from '../adapters/groq-key-api.ts';
import { AwsGroqKeyHerald } from '../adapters/groq-key-herald.ts';
import { groqKeyIdOf } from '../adapters/groq-key-id.ts';
import { DynamoGroqKeyRecords } from '../adapters/groq-key-records.ts';
import { groqSecret, startGroqRotation } from '../adapters/groq-secret.ts';
import { OperatorsTopic } from '../adapters/operators-topic.ts';
import { Registry } from '../adapters/registry.ts';
import { groqSecretName } from '../contract.ts';
import { readReportsVariable, readTopicVariable, readVariables } from './environment-variables.ts';
import { createGroqKeyRotation } from './groq-key-rotation-handler.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const { environmentName, registryTable, usageTable, groqBaseUrl } = readVariables(process.env);
const { nowEpochMs } = systemClock;
const client = dynamoClient();
const secrets = new SecretsManagerClient({});
const registry = new Registry(client, registryTable, nowEpochMs);
const calls = new GroqKeyCalls(groqBaseUrl);

/** The entry point of the function that rotates, watches and retires teams' Groq keys. */
export const handler = createGroqKeyRotation({
  secretOf: (secretId) => groqSecret(secrets, secretId, environmentName),
  secretOfTeam: (team) => groqSecret(secrets, groqSecretName(team, environmentName), environmentName),
  startRotation: async (team, functionArn) => await startGroqRotation(secrets, team, environmentName, functionArn),
  policies: async () => (await registry.inForce())?.environment.teams ?? new Map(),
  records: new DynamoGroqKeyRecords(client, registryTable),
  probe: calls,
  keyApi: calls,
  keyIdOf: groqKeyIdOf,
  use: new DynamoUsage(client, usageTable, nowEpochMs),
  audit: new DynamoAudit(client, registryTable),
  herald: new AwsGroqKeyHerald({
    events: new EventBridgeClient({}),
    topic: new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env)),
    objects: new S3Client({}),
    bucket: readReportsVariable(process.env),
    environmentName,
  }),
  environmentName,
  nowEpochMs,
  log: systemLog,
  write: (line) => console.log(line),
});
