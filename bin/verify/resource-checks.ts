import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import type { Deployment } from '../deployment.ts';
import { type Check, type Outcome, outcome } from './check.ts';
import { checkRoles } from './role-check.ts';

/** Checks that the deployed resources still have the protection that the stack gave them. */
export function resourceChecks(deployment: Deployment, retainData: boolean): readonly Check[] {
  const { ledgerTable, registryTable, usageTable, stackStatus } = deployment;
  return [
    {
      id: 'stack',
      title: 'The stack is complete',
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
    { id: 'alarms', title: 'Every alarm has an action', run: async () => await checkAlarms(deployment) },
    { id: 'roles', title: "The functions' roles are narrow", run: async () => await checkRoles(deployment) },
  ];
}

async function checkTable({ dynamo }: Deployment, TableName: string, retainData: boolean): Promise<Outcome> {
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
  const { ContinuousBackupsDescription } = await dynamo.send(new DescribeContinuousBackupsCommand({ TableName }));
  const { TimeToLiveDescription } = await dynamo.send(new DescribeTimeToLiveCommand({ TableName }));
  const facts = {
    // An environment without `retainData` may be deleted.
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
  const names = resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm').map(({ physicalId }) => physicalId);
  const client = new CloudWatchClient({});
  const active = new Set<string>();
  for (let start = 0; start < names.length; start += 100) {
    const AlarmNames = names.slice(start, start + 100);
    for await (const page of paginateDescribeAlarms({ client }, { AlarmNames })) {
      for (const { AlarmName = '', ActionsEnabled, AlarmActions } of page.MetricAlarms ?? [])
        if (ActionsEnabled !== false && (AlarmActions ?? []).length > 0) active.add(AlarmName);
    }
  }
  const missing = names.filter((name) => !active.has(name));
  if (missing.length > 0) return outcome(false, `without an active action: ${missing.join(', ')}`);
  return outcome(names.length > 0, `${names.length} alarms, each with an action`);
}

function checkFacts(name: string, facts: Readonly<Record<string, boolean>>): Outcome {
  const missing = Object.keys(facts).filter((fact) => facts[fact] !== true);
  return missing.length > 0
    ? outcome(false, `${name} lacks ${missing.join(', ')}`)
    : outcome(true, `${name}: ${Object.keys(facts).join(', ')}`);
}
