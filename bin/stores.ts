import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { findRunningGateway } from '../local/running-gateway.ts';
import { CommandError } from './command-error.ts';
import { findDeployment } from './deployment.ts';

/** The tables and secrets of an environment, on AWS or under `npm start`. */
export type Stores = {
  readonly environmentName: string;
  /** Base URL of the endpoint. */
  readonly endpoint: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  /** Base URL of the local gateway's upstream; on AWS the published policies have it. */
  readonly groqBaseUrl: string | undefined;
  /** The ARN of the function that rotates Groq keys; undefined before its first deployment. */
  readonly groqRotationArn: string | undefined;
  /** The endpoint of DynamoDB Streams. @default AWS's own */
  readonly streamEndpoint?: string;
  /** Returns the actor for the audit trail: the ARN of the AWS credentials, or the user of this machine. */
  readonly readActor: () => Promise<string>;
};

const LOCAL_ROTATION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:groq-key-rotation';

/** Selects an environment: one on AWS by name, or the gateway that `npm start` runs on this machine. */
export type EnvironmentSelector = { readonly env: string | undefined; readonly local: boolean };

/**
 * Opens an environment's tables and secrets.
 *
 * @throws CommandError when the environment does not exist or cannot be reached.
 */
export async function openStores({ env, local }: EnvironmentSelector): Promise<Stores> {
  if (local) return openLocal(env);
  if (env === undefined)
    throw new CommandError('missing --env <environment>, or --local for the gateway that npm start runs');
  const { resources: _resources, stackName: _name, stackStatus: _status, ...deployment } = await findDeployment(env);
  const readActor = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn ?? 'unknown';
  return { ...deployment, secrets: new SecretsManagerClient({}), groqBaseUrl: undefined, readActor };
}

function openLocal(env: string | undefined): Stores {
  const dataDir = resolve(process.env.DATA_DIR || resolve(import.meta.dirname, '../.local'));
  const running = findRunningGateway(dataDir);
  if (running === undefined)
    throw new CommandError(
      'no gateway is running on this machine; start one with npm start (and the same DATA_DIR), or use --env',
    );
  if (env !== undefined && env !== running.environmentName)
    throw new CommandError(`the running gateway has the environment "${running.environmentName}", not "${env}"`);
  const { environmentName, baseUrl: endpoint, ledgerTable, registryTable, usageTable, dynamodbEndpoint } = running;
  const clientConfig = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const dynamo = new DynamoDBClient({ ...clientConfig, endpoint: dynamodbEndpoint });
  return {
    environmentName,
    endpoint,
    ledgerTable,
    registryTable,
    usageTable,
    dynamo,
    secrets: new SecretsManagerClient({ ...clientConfig, endpoint: running.secretsEndpoint }),
    groqBaseUrl: running.groqBaseUrl,
    // The local Secrets Manager has a single rotation function and ignores its ARN.
    groqRotationArn: LOCAL_ROTATION_ARN,
    streamEndpoint: dynamodbEndpoint,
    readActor: async () => `local:${userInfo().username}`,
  };
}
