import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeAll, describe, expect, it } from 'vitest';
import { groqSecretName, serviceSecretName } from '../../lambda/contract.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { findDeployedResource } from '../support/stack/deployed-resources.ts';

const target = requireDeployed();
const { ledgerTable, registryTable, usageTable } = target;
const ROLES = [
  'Authorizer',
  'Gateway',
  'Publisher',
  'Sweeper',
  'Projector',
  'Reconciler',
  'Retirement',
  'KeyRotation',
  'GroqRotation',
  'Canary',
  'Admin',
  'Reporter',
  'WidgetRenderer',
  'Webhook',
] as const;
type RoleName = (typeof ROLES)[number];
type Clients = {
  readonly dynamo: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  readonly events: EventBridgeClient;
};
const clients = new Map<RoleName, Clients>();

/** Assumes each function's role, after allowing the account itself to do so. */
beforeAll(async () => {
  const trust = (Principal: object) => ({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' });
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [trust({ Service: 'lambda.amazonaws.com' }), trust({ AWS: 'arn:aws:iam::000000000000:root' })],
  });
  for (const role of ROLES) {
    const RoleName = await findDeployedResource('AWS::IAM::Role', `${role}Role`);
    await new IAMClient({}).send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
    const RoleArn = `arn:aws:iam::000000000000:role/${RoleName}`;
    const { Credentials } = await new STSClient({}).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'rights' }));
    const credentials = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    clients.set(role, {
      dynamo: new DynamoDBClient({ credentials }),
      secrets: new SecretsManagerClient({ credentials }),
      events: new EventBridgeClient({ credentials }),
    });
  }
});

const item = (pk: string, sk = 'x') => ({ pk: { S: pk }, sk: { S: sk } });
const get = (TableName: string, pk: string) => new GetItemCommand({ TableName, Key: item(pk) });
const query = (TableName: string, pk: string) =>
  new QueryCommand({ TableName, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: pk } } });
const put = (TableName: string, pk: string) => new PutItemCommand({ TableName, Item: item(pk, 'rights-test') });
const remove = (TableName: string, pk: string) => new DeleteItemCommand({ TableName, Key: item(pk) });
const update = (TableName: string, pk: string) =>
  new UpdateItemCommand({ TableName, Key: item(pk), UpdateExpression: 'REMOVE nothing' });
const batch = (TableName: string, pk: string) =>
  new BatchWriteItemCommand({ RequestItems: { [TableName]: [{ DeleteRequest: { Key: item(pk) } }] } });
const secret = groqSecretName('roomy', target.environmentName);
const putEvent = (Source: string, DetailType: string) =>
  new PutEventsCommand({ Entries: [{ EventBusName: 'default', Source, DetailType, Detail: '{}' }] });
// Of no environment, so no rule matches it.
const alert = putEvent('groq-gateway', 'Budget threshold crossed');
const serviceSecret = serviceSecretName('rotated', target.environmentName);

/** Sends a command in a role. Returns `done`, or the name of the error. */
async function attempt(role: RoleName, command: object): Promise<string> {
  const { dynamo, secrets, events } = clients.get(role) ?? {};
  const isSecret = [DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand].some(
    (type) => command instanceof type,
  );
  try {
    if (command instanceof PutEventsCommand) await events?.send(command);
    else await (isSecret ? secrets?.send(command as GetSecretValueCommand) : dynamo?.send(command as GetItemCommand));
    return 'done';
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown';
  }
}

describe("each function's role", () => {
  it.each<[RoleName, string, object]>([
    ['Authorizer', 'read a key', get(registryTable, 'KEY#1')],
    ['Gateway', 'read policies', query(registryTable, 'POLICIES#1')],
    ['Gateway', "write a team's ledger", update(ledgerTable, 'TEAM#rights-test')],
    ['Gateway', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Gateway', 'list the staged Groq keys', new DescribeSecretCommand({ SecretId: secret })],
    ['Gateway', "read a team's usage", query(usageTable, 'TEAM#rights-test')],
    ['Gateway', 'read the names of keys', query(registryTable, 'TEAM#rights-test')],
    ['Publisher', 'write policies', put(registryTable, 'POLICIES#rights-test')],
    ['Publisher', 'add to the audit trail', put(registryTable, 'AUDIT#rights-test')],
    ['Publisher', 'revoke a key', update(registryTable, 'KEY#rights-test')],
    ['Sweeper', 'expire reservations in a ledger', update(ledgerTable, 'TEAM#rights-test')],
    ['Sweeper', "expire top-ups of the organisation's cap", update(ledgerTable, 'ORG')],
    ['Projector', 'count usage', update(usageTable, 'TEAM#rights-test')],
    ['Projector', 'record what has been counted', update(usageTable, 'END#rights-test#1')],
    ['Reconciler', 'read usage', query(usageTable, 'TEAM#roomy')],
    ...(['Projector', 'Sweeper'] as const).flatMap((role): [RoleName, string, object][] => [
      [role, 'record the delivery of an alert', update(usageTable, 'ALERTS#rights-test')],
      [role, 'read which alerts were delivered', query(usageTable, 'ALERTS#rights-test')],
      [role, "read a team's usage", query(usageTable, 'TEAM#rights-test')],
      [role, 'publish an alert', alert],
    ]),
    ['Retirement', 'revoke a key', update(registryTable, 'KEY#rights-test')],
    ['Retirement', 'add to the audit trail', put(registryTable, 'AUDIT#rights-test')],
    ['GroqRotation', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['GroqRotation', 'record the state of a Groq key', update(registryTable, 'GROQKEYS#rights-test')],
    ['GroqRotation', "read a team's usage", query(usageTable, 'TEAM#rights-test')],
    ['KeyRotation', "read the secret of a team's services", new GetSecretValueCommand({ SecretId: serviceSecret })],
    ['KeyRotation', 'create a key', put(registryTable, 'KEY#rights-rotation')],
    ['Canary', 'create a canary key', put(registryTable, 'KEY#canaryrights')],
    ['Reporter', 'read spending', get(ledgerTable, 'ORG')],
    ['Reporter', 'read usage', query(usageTable, 'TEAM#rights-test')],
    ['WidgetRenderer', 'read the names of keys', query(registryTable, 'TEAM#rights-test')],
    ['Admin', 'create a key', put(registryTable, 'KEY#rights-test')],
    ['Admin', 'revoke a key', update(registryTable, 'KEY#rights-test')],
    ['Admin', 'add to the audit trail', put(registryTable, 'AUDIT#rights-test')],
    ['Admin', 'read the audit trail', query(registryTable, 'AUDIT#rights-test')],
    ['Admin', 'mark a revoked key in a ledger', update(ledgerTable, 'TEAM#rights-test')],
    ['Admin', "read the organisation's ledger", get(ledgerTable, 'ORG')],
    ['Retirement', "read the organisation's ledger", get(ledgerTable, 'ORG')],
    ['Admin', 'read the records of Groq keys', query(registryTable, 'GROQKEYS#rights-test')],
    ['Admin', "read the keys' usage", query(usageTable, 'TEAM#rights-test')],
    ['Admin', 'delete a failed idempotent request', remove(registryTable, 'IDEMPOTENCY#rights-test')],
  ])('%s may %s', async (role, _what, command) => {
    expect(await attempt(role, command)).toBe('done');
  });

  it.each<[RoleName, string, object]>([
    ['Authorizer', 'read policies', get(registryTable, 'POLICIES')],
    ['Authorizer', 'read the ledger', get(ledgerTable, 'TEAM#roomy')],
    ['Authorizer', 'write a key', put(registryTable, 'KEY#1')],
    ['Authorizer', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Gateway', 'read a key', get(registryTable, 'KEY#1')],
    ['Gateway', 'write policies', put(registryTable, 'POLICIES')],
    ['Gateway', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Gateway', 'list keys by writing', put(registryTable, 'TEAM#rights-test')],
    ['Gateway', 'delete a ledger', remove(ledgerTable, 'TEAM#roomy')],
    ['Gateway', 'read a whole table', new ScanCommand({ TableName: ledgerTable })],
    ['Gateway', 'write a Groq key', new PutSecretValueCommand({ SecretId: secret, SecretString: '{}' })],
    ['Gateway', 'write the records of Groq keys', update(registryTable, 'GROQKEYS#rights-test')],
    ['GroqRotation', "read the secret of a team's services", new GetSecretValueCommand({ SecretId: serviceSecret })],
    ['GroqRotation', 'create a key', put(registryTable, 'KEY#1')],
    ['GroqRotation', 'change the audit trail', update(registryTable, 'AUDIT#rights-test')],
    ['GroqRotation', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Publisher', 'create a key', put(registryTable, 'KEY#1')],
    ['Publisher', 'change the audit trail', update(registryTable, 'AUDIT#rights-test')],
    ['Publisher', 'delete from the audit trail', batch(registryTable, 'AUDIT#rights-test')],
    ['Publisher', 'delete a ledger', remove(ledgerTable, 'TEAM#roomy')],
    ['Publisher', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Sweeper', 'delete a ledger', remove(ledgerTable, 'TEAM#roomy')],
    ['Sweeper', 'create a key', put(registryTable, 'KEY#1')],
    ['Sweeper', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Projector', 'read the ledger', get(ledgerTable, 'TEAM#roomy')],
    ['Projector', 'write the ledger', update(ledgerTable, 'TEAM#roomy')],
    ['Projector', 'publish other events', putEvent('another', 'Budget threshold crossed')],
    ['Sweeper', 'publish other events', putEvent('groq-gateway', 'another')],
    ['Gateway', 'publish an alert', alert],
    ['Gateway', 'record an alert', update(usageTable, 'ALERTS#rights-test')],
    ['Webhook', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Webhook', 'read usage', query(usageTable, 'TEAM#roomy')],
    ['Projector', 'delete usage', remove(usageTable, 'TEAM#roomy')],
    ['Projector', 'read a key', get(registryTable, 'KEY#1')],
    ['Projector', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Reconciler', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Reconciler', 'write the ledger', update(ledgerTable, 'TEAM#roomy')],
    ['Sweeper', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Retirement', 'create a key', put(registryTable, 'KEY#1')],
    ['Retirement', 'delete from the audit trail', batch(registryTable, 'AUDIT#rights-test')],
    ['Retirement', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['KeyRotation', 'write a Groq key', new PutSecretValueCommand({ SecretId: secret, SecretString: '{}' })],
    ['KeyRotation', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['KeyRotation', 'touch the ledger', update(ledgerTable, 'TEAM#roomy')],
    ['Gateway', "read the secret of a team's services", new GetSecretValueCommand({ SecretId: serviceSecret })],
    ['Retirement', "write a service's key", new PutSecretValueCommand({ SecretId: serviceSecret, SecretString: '{}' })],
    ['Canary', "create a team's key", put(registryTable, 'KEY#1')],
    ['Canary', 'write policies', put(registryTable, 'POLICIES')],
    ['Admin', 'change the audit trail', update(registryTable, 'AUDIT#rights-test')],
    ['Admin', 'delete from the audit trail', remove(registryTable, 'AUDIT#rights-test')],
    ['Admin', 'delete from the audit trail by a batch', batch(registryTable, 'AUDIT#rights-test')],
    ['Admin', 'delete a key', remove(registryTable, 'KEY#rights-test')],
    ['Admin', 'write policies', put(registryTable, 'POLICIES')],
    ['Admin', 'delete a ledger', remove(ledgerTable, 'TEAM#roomy')],
    ['Admin', "write the organisation's ledger", update(ledgerTable, 'ORG')],
    ['Admin', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Admin', 'read a whole table', new ScanCommand({ TableName: registryTable })],
    ['Admin', 'write the records of Groq keys', put(registryTable, 'GROQKEYS#rights-test')],
    ['Admin', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['Admin', 'write a Groq key', new PutSecretValueCommand({ SecretId: secret, SecretString: '{}' })],
    ['Reporter', 'read a key', get(registryTable, 'KEY#1')],
    ['Reporter', 'write the ledger', update(ledgerTable, 'TEAM#roomy')],
    ['Reporter', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Reporter', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
    ['WidgetRenderer', 'read a key', get(registryTable, 'KEY#1')],
    ['WidgetRenderer', 'read the audit trail', query(registryTable, 'AUDIT#rights-test')],
    ['WidgetRenderer', 'write usage', update(usageTable, 'TEAM#rights-test')],
    ['Canary', 'touch the ledger', update(ledgerTable, 'TEAM#roomy')],
    ['Canary', 'read a Groq key', new GetSecretValueCommand({ SecretId: secret })],
  ])('%s may not %s', async (role, _what, command) => {
    expect(await attempt(role, command)).toMatch(/^AccessDenied/);
  });
});
