import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import {
  GetRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import type { DeployedResource, Deployment } from '../deployment.ts';
import { type Check, type Outcome, outcome } from './check.ts';

/** The only action that has no resource to name. */
const WITHOUT_RESOURCE = /^xray:Put/;

/** What the deployed resources must be like, whoever changed them since. */
export function resourceChecks(deployment: Deployment, retainData: boolean): readonly Check[] {
  const { ledgerTable, registryTable, usageTable, stackStatus } = deployment;
  return [
    {
      id: 'stack',
      title: 'The stack is whole',
      run: async () => outcome(/^(CREATE|UPDATE)_COMPLETE$/.test(stackStatus), stackStatus),
    },
    {
      id: 'ledger-table',
      title: 'The ledger is protected',
      run: async () => await checkTable(deployment, ledgerTable, retainData),
    },
    {
      id: 'registry-table',
      title: 'The registry is protected',
      run: async () => await checkTable(deployment, registryTable, retainData),
    },
    {
      id: 'usage-table',
      title: 'The usage is protected',
      run: async () => await checkTable(deployment, usageTable, retainData),
    },
    { id: 'alarms', title: 'Every alarm is armed', run: async () => await checkAlarms(deployment) },
    { id: 'roles', title: "The functions' roles are narrow", run: async () => await checkRoles(deployment) },
  ];
}

async function checkTable({ dynamo }: Deployment, TableName: string, retainData: boolean): Promise<Outcome> {
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
  const { ContinuousBackupsDescription } = await dynamo.send(new DescribeContinuousBackupsCommand({ TableName }));
  const { TimeToLiveDescription } = await dynamo.send(new DescribeTimeToLiveCommand({ TableName }));
  const facts = {
    // An environment that may be lost says so in its file.
    ...(retainData ? { 'deletion protection': Table?.DeletionProtectionEnabled === true } : {}),
    encryption: Table?.SSEDescription?.Status === 'ENABLED',
    'point-in-time recovery':
      ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED',
    'on demand': Table?.BillingModeSummary?.BillingMode === 'PAY_PER_REQUEST',
    'time to live': TimeToLiveDescription?.TimeToLiveStatus === 'ENABLED',
  };
  return checkFacts(TableName, facts);
}

async function checkAlarms({ resources }: Deployment): Promise<Outcome> {
  const wanted = resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm').map(({ physicalId }) => physicalId);
  const client = new CloudWatchClient({});
  const armed = new Set<string>();
  for (let start = 0; start < wanted.length; start += 100) {
    const AlarmNames = wanted.slice(start, start + 100);
    for await (const page of paginateDescribeAlarms({ client }, { AlarmNames })) {
      for (const { AlarmName = '', ActionsEnabled, AlarmActions } of page.MetricAlarms ?? [])
        if (ActionsEnabled !== false && (AlarmActions ?? []).length > 0) armed.add(AlarmName);
    }
  }
  const missing = wanted.filter((name) => !armed.has(name));
  if (missing.length > 0) return outcome(false, `not armed: ${missing.join(', ')}`);
  return outcome(wanted.length > 0, `${wanted.length} alarms, each with an action`);
}

async function checkRoles({ resources }: Deployment): Promise<Outcome> {
  const client = new IAMClient({});
  // Of functions: the role by which API Gateway writes logs is the account's.
  const isOfFunction = ({ type, logicalId }: DeployedResource) =>
    type === 'AWS::IAM::Role' && !logicalId.includes('CloudWatchRole');
  const roles = resources.filter(isOfFunction).map(({ physicalId }) => physicalId);
  const faults: string[] = [];
  let statements = 0;
  for (const RoleName of roles) {
    const { AttachedPolicies } = await client.send(new ListAttachedRolePoliciesCommand({ RoleName }));
    faults.push(
      ...(AttachedPolicies ?? []).map(({ PolicyName }) => `${RoleName} has the managed policy ${PolicyName}`),
    );
    const { PolicyNames } = await client.send(new ListRolePoliciesCommand({ RoleName }));
    for (const PolicyName of PolicyNames ?? []) {
      const { PolicyDocument = '' } = await client.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const document = JSON.parse(decodeURIComponent(PolicyDocument)) as {
        Statement: Statement | readonly Statement[];
      };
      for (const statement of [document.Statement].flat()) {
        statements++;
        faults.push(...findWideGrants(statement).map((fault) => `${RoleName}: ${fault}`));
      }
    }
  }
  if (faults.length > 0) return outcome(false, faults.join('; '));
  return outcome(
    roles.length > 0 && statements > 0,
    `${roles.length} roles, ${statements} statements, each on named resources`,
  );
}

type Statement = {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly NotAction?: unknown;
  readonly Resource?: string | readonly string[];
  readonly NotResource?: unknown;
};

/**
 * The only patterns that a resource may be named by: a log group's streams, one environment's secrets of either kind, a
 * single secret by its whole name, and the folders of reports.
 */
const NARROW_PATTERNS = [
  /^arn:[\w-]+:logs:[\w-]+:\d+:log-group:[^*?]+:\*$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:groq\/\*-[a-z0-9]+-gateway-\?{6}$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:gateway\/\*-[a-z0-9]+-service-\?{6}$/,
  /^arn:[\w-]+:s3:::[a-z0-9.-]+\/(groq-keys|weekly)\/\*$/,
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:[^*?]+-\?{6}$/,
];

/** What makes a statement of a policy wider than a function of the gateway ever needs. */
export function findWideGrants({
  Effect,
  Action = [],
  Resource = [],
  NotAction,
  NotResource,
}: Statement): readonly string[] {
  if (Effect !== 'Allow') return [];
  if (NotAction !== undefined || NotResource !== undefined)
    return ['it allows all but some, by NotAction or NotResource'];
  const actions = [Action].flat();
  const withoutResource = actions.every((action) => WITHOUT_RESOURCE.test(action));
  const wide = [Resource].flat().filter((resource) => {
    const isPattern = /[*?]/.test(resource);
    return (
      isPattern && !(resource === '*' && withoutResource) && !NARROW_PATTERNS.some((narrow) => narrow.test(resource))
    );
  });
  return [
    ...actions.filter((action) => /[*?]/.test(action)).map((action) => `the action ${action}`),
    ...wide.map((resource) => `${actions.join(', ')} on ${resource}`),
  ];
}

function checkFacts(name: string, facts: Readonly<Record<string, boolean>>): Outcome {
  const missing = Object.keys(facts).filter((fact) => facts[fact] !== true);
  return missing.length > 0
    ? outcome(false, `${name} lacks ${missing.join(', ')}`)
    : outcome(true, `${name}: ${Object.keys(facts).join(', ')}`);
}
