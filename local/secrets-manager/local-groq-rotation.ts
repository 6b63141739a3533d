import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createGroqRotationPorts } from '../../lambda/functions/groq-rotation-ports.ts';
import {
  createGroqKeyRotationHandler,
  type GroqKeyRotationEvent,
} from '../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import type { TableNames } from '../dynamodb/tables.ts';
import { lambdaContext } from '../host/lambda-runtime.ts';

/** Props of the local rotation of Groq keys. */
export type LocalGroqRotationProps = {
  readonly environmentName: string;
  readonly dataDir: string;
  readonly groqBaseUrl: string;
  readonly dynamo: DynamoDBClient;
  readonly tables: Pick<TableNames, 'registryTable' | 'usageTable'>;
  readonly secrets: SecretsManagerClient;
  /** Receives each line of a notification to the operators. */
  readonly notify: (line: string) => void;
};

/** The deployed timeout. */
const TIMEOUT_MS = 240_000;

/** Creates the deployed rotation function, with reports in the data folder and notifications by `notify`. */
export function createLocalGroqRotation(props: LocalGroqRotationProps): (event: GroqKeyRotationEvent) => Promise<void> {
  const { environmentName, dataDir, groqBaseUrl, dynamo, tables, secrets, notify } = props;
  const handler = createGroqKeyRotationHandler({
    ...createGroqRotationPorts(dynamo, secrets, { environmentName, groqBaseUrl, ...tables }, Date.now),
    notifier: {
      notify: async ({ lines }) => {
        for (const line of lines) notify(line);
      },
      notifyDifferences: async (differences) => {
        for (const { model, field, catalog, groq } of differences)
          notify(`${model}: ${field} is ${catalog} in the catalog, ${groq} at Groq`);
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
