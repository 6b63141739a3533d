import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A call of the command line that cannot be carried out; the message is the one line a person sees. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** One resource of a deployed stack. */
export type DeployedResource = { readonly logicalId: string; readonly type: string; readonly physicalId: string };

/** A deployed environment, as CloudFormation knows it. */
export type Deployment = {
  readonly environmentName: string;
  readonly stackName: string;
  readonly stackStatus: string;
  /** Base URL of the endpoint. */
  readonly endpoint: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  /** Undefined for a stack that was deployed before Groq keys were rotated. */
  readonly groqRotationArn: string | undefined;
  /** Of the stack and of one team's. */
  readonly resources: readonly DeployedResource[];
  readonly dynamo: DynamoDBClient;
};

/**
 * Finds an environment's stack in the account and region of the credentials at hand.
 *
 * @throws CommandError when there is none, or it cannot be read.
 */
export async function findDeployment(environmentName: string, endpoint?: string): Promise<Deployment> {
  const client = new CloudFormationClient({});
  const stackName = `groq-gateway-${environmentName}`;
  const described = await describeStack(client, stackName);
  const find = (key: string) => described.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  const output = (key: string): string => {
    const value = find(key);
    if (value === undefined) throw new CommandError(`the stack ${stackName} has no output ${key}; deploy it again`);
    return value;
  };
  const own = await listResources(client, stackName);
  // The teams' stacks are alike: one of them tells what each has.
  const team = own.find(({ type }) => type === 'AWS::CloudFormation::Stack');
  const resources = team === undefined ? own : [...own, ...(await listResources(client, team.physicalId))];
  return {
    environmentName,
    stackName,
    stackStatus: described.StackStatus ?? '',
    endpoint: (endpoint ?? output('Endpoint')).replace(/\/$/, ''),
    ledgerTable: output('LedgerTable'),
    registryTable: output('RegistryTable'),
    usageTable: output('UsageTable'),
    groqRotationArn: find('GroqKeyRotation'),
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
        'there are no AWS credentials that work; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its companions (aws sts get-caller-identity tells whose they are)',
        { cause },
      );
    }
    if (/Region is missing/.test(message)) throw new CommandError('no region is set; export AWS_REGION', { cause });
    if (!/does not exist/.test(message))
      throw new CommandError(`the stack ${stackName} cannot be read: ${name}: ${message.split('\n')[0]}`, { cause });
  }
  throw new CommandError(
    `there is no stack ${stackName} in this account and region; check --env, AWS_PROFILE and AWS_REGION, or deploy it`,
  );
}
