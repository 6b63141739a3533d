import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CommandError } from './command-error.ts';

/** One resource of a deployed stack. */
export type DeployedResource = { readonly logicalId: string; readonly type: string; readonly physicalId: string };

/** A deployed environment, as CloudFormation describes it. */
export type Deployment = {
  readonly environmentName: string;
  readonly stackName: string;
  readonly stackStatus: string;
  /** Base URL of the endpoint. */
  readonly endpoint: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  /** Undefined for a stack deployed before the rotation of Groq keys existed. */
  readonly groqRotationArn: string | undefined;
  /** Resources of the environment's stack and of one team's nested stack. */
  readonly resources: readonly DeployedResource[];
  readonly dynamo: DynamoDBClient;
};

/**
 * Finds an environment's stack in the account and region of the current AWS credentials.
 *
 * @throws CommandError when the stack does not exist or cannot be read.
 */
export async function findDeployment(environmentName: string, endpoint?: string): Promise<Deployment> {
  const client = new CloudFormationClient({});
  const stackName = `groq-gateway-${environmentName}`;
  const stack = await describeStack(client, stackName);
  const findOutput = (key: string) => stack.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  const requireOutput = (key: string): string => {
    const value = findOutput(key);
    if (value === undefined) throw new CommandError(`the stack ${stackName} has no output ${key}; deploy it again`);
    return value;
  };
  const own = await listResources(client, stackName);
  // All nested team stacks have the same resources, so one of them stands for all.
  const teamStack = own.find(({ type }) => type === 'AWS::CloudFormation::Stack');
  const resources = teamStack === undefined ? own : [...own, ...(await listResources(client, teamStack.physicalId))];
  return {
    environmentName,
    stackName,
    stackStatus: stack.StackStatus ?? '',
    endpoint: (endpoint ?? requireOutput('Endpoint')).replace(/\/$/, ''),
    ledgerTable: requireOutput('LedgerTable'),
    registryTable: requireOutput('RegistryTable'),
    usageTable: requireOutput('UsageTable'),
    groqRotationArn: findOutput('GroqKeyRotation'),
    resources,
    dynamo: new DynamoDBClient({}),
  };
}

async function listResources(client: CloudFormationClient, stackName: string): Promise<readonly DeployedResource[]> {
  const resources: DeployedResource[] = [];
  for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
    for (const { LogicalResourceId = '', ResourceType = '', PhysicalResourceId = '' } of page.StackResourceSummaries ??
      [])
      resources.push({ logicalId: LogicalResourceId, type: ResourceType, physicalId: PhysicalResourceId });
  }
  return resources;
}

async function describeStack(client: CloudFormationClient, stackName: string) {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    if (Stacks?.[0] !== undefined) return Stacks[0];
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : { name: 'unknown', message: '' };
    if (/credential/i.test(name + message)) {
      throw new CommandError(
        'no valid AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (check them with: aws sts get-caller-identity)',
        { cause },
      );
    }
    if (/Region is missing/.test(message)) throw new CommandError('no AWS region; set AWS_REGION', { cause });
    if (!/does not exist/.test(message))
      throw new CommandError(`cannot read the stack ${stackName}: ${name}: ${message.split('\n')[0]}`, { cause });
  }
  throw new CommandError(
    `no stack ${stackName} in this account and region; check --env, AWS_PROFILE and AWS_REGION, or deploy it`,
  );
}
