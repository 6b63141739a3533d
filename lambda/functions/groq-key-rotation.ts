import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { AwsGroqKeyNotifier } from '../groq-keys/io/groq-key-notifier.ts';
import { createGroqKeyRotationHandler } from '../groq-keys/io/groq-key-rotation-handler.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { OperatorsTopic } from '../telemetry/io/operators-topic.ts';
import { readReportsVariable, readTopicVariable, readVariables } from './environment-variables.ts';
import { createGroqRotationPorts } from './groq-rotation-ports.ts';

const variables = readVariables(process.env);
const { environmentName } = variables;

/** Entry point of the function that rotates, watches and retires the teams' Groq keys. */
export const handler = createGroqKeyRotationHandler({
  ...createGroqRotationPorts(createDynamoClient(), new SecretsManagerClient({}), variables, systemClock.nowEpochMs),
  notifier: new AwsGroqKeyNotifier({
    events: new EventBridgeClient({}),
    topic: new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env)),
    objects: new S3Client({}),
    bucket: readReportsVariable(process.env),
    environmentName,
  }),
  log: systemLog,
  write: (line) => console.log(line),
});
