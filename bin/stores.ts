import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { findRunningGateway } from '../local/running-gateway.ts';
import { CommandError, findDeployment } from './deployment.ts';

/** The tables of an environment, wherever it runs. */
export type Stores = {
  readonly environmentName: string;
  /** Base URL of the endpoint. */
  readonly endpoint: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  /** Where Groq answers the gateway that runs here; on AWS the published policies say so. */
  readonly groqBaseUrl: string | undefined;
  /** The ARN of the function that rotates Groq keys; undefined where none has been deployed yet. */
  readonly groqRotationArn: string | undefined;
  /** Where the streams of the tables are, if not where AWS has them. */
  readonly streamEndpoint?: string;
  /** Who acts, for the audit trail: the ARN of the credentials at hand, or the user of this machine. */
  readonly readActor: () => Promise<string>;
};

const LOCAL_ROTATION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:groq-key-rotation';

/** Which environment: one on AWS by its name, or the gateway that `npm start` runs here. */
export type EnvironmentSelector = { readonly env: string | undefined; readonly local: boolean };

/**
 * Finds an environment's tables.
 *
 * @throws CommandError when there is none, or it cannot be reached.
 */
export async function openStores({ env, local }: EnvironmentSelector): Promise<Stores> {
  if (local) return openLocal(env);
  if (env === undefined || env === '')
    throw new CommandError('--env <environment> is missing, or --local for npm start');
  const { resources: _parts, stackName: _stack, stackStatus: _status, ...deployment } = await findDeployment(env);
  const readActor = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn ?? 'unknown';
  return { ...deployment, secrets: new SecretsManagerClient({}), groqBaseUrl: undefined, readActor };
}

function openLocal(env: string | undefined): Stores {
  const dataDir = resolve(process.env.DATA_DIR || resolve(import.meta.dirname, '../.local'));
  const running = findRunningGateway(dataDir);
  if (running === undefined)
    throw new CommandError(
      'no gateway runs here; start one by npm start (with the same DATA_DIR), or name one on AWS by --env',
    );
  if (env !== undefined && env !== running.environmentName)
    throw new CommandError(
      `the gateway that runs here is of the environment "${running.environmentName}", not "${env}"`,
    );
  const { environmentName, baseUrl: endpoint, ledgerTable, registryTable, usageTable, dynamodbEndpoint } = running;
  const asLocal = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const dynamo = new DynamoDBClient({ ...asLocal, endpoint: dynamodbEndpoint });
  return {
    environmentName,
    endpoint,
    ledgerTable,
    registryTable,
    usageTable,
    dynamo,
    secrets: new SecretsManagerClient({ ...asLocal, endpoint: running.secretsEndpoint }),
    groqBaseUrl: running.groqBaseUrl,
    // The Secrets Manager of `npm start` knows one function, and asks for no name.
    groqRotationArn: LOCAL_ROTATION_ARN,
    streamEndpoint: dynamodbEndpoint,
    readActor: async () => `local:${userInfo().username}`,
  };
}
