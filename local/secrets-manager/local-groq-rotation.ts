import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createGroqRotationPorts } from '../../lambda/functions/groq-rotation-ports.ts';
import {
  createGroqKeyRotationHandler,
  type GroqKeyRotationEvent,
} from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { lambdaContext } from '../host/lambda-runtime.ts';

/** What the local rotation of Groq keys runs over. */
export type LocalGroqRotationProps = {
  readonly environmentName: string;
  readonly dataDir: string;
  readonly groqBaseUrl: string;
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  /** Takes what operators are told, a line each. */
  readonly notify: (line: string) => void;
};

const TIMEOUT_MS = 240_000;

/** The function that rotates Groq keys, as deployed, but that news goes to the terminal and reports into the data folder. */
export function createLocalGroqRotation(props: LocalGroqRotationProps): (event: GroqKeyRotationEvent) => Promise<void> {
  const { environmentName, dataDir, groqBaseUrl, dynamo, secrets, notify } = props;
  const tables = { registryTable: `${environmentName}-registry`, usageTable: `${environmentName}-usage` };
  const handler = createGroqKeyRotationHandler({
    ...createGroqRotationPorts(dynamo, secrets, { environmentName, groqBaseUrl, ...tables }, Date.now),
    notifier: {
      notify: async ({ lines }) => {
        for (const line of lines) notify(line);
      },
      saveReport: async (path, markdown) => {
        const file = join(dataDir, 'reports', path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, markdown);
        return file;
      },
    },
    log: () => {},
    write: () => {},
  });
  return async (event) => {
    await handler(event, lambdaContext('groq-key-rotation', 'local', TIMEOUT_MS));
  };
}
