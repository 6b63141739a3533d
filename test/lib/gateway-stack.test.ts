import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildStack, synthesizeTemplate } from '../support/stack/stack.ts';

let template: Template;
let team: Template;
beforeAll(() => {
  const stack = buildStack();
  template = Template.fromStack(stack);
  team = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
});

type Statement = {
  Action: string | string[];
  Resource: unknown;
  Condition?: { [operator: string]: Record<string, string[]> };
};
/** Permissions of each function, as `action partitions`. */
function grantedRights(): Record<string, string[]> {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  return Object.fromEntries(
    policies.map(([id, { Properties }]) => [
      id.replace(/Role.*/, ''),
      (Properties.PolicyDocument.Statement as Statement[])
        .flatMap(({ Action, Condition }) => {
          const partitions = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
          return [Action].flat().map((action) => [action, ...(partitions ?? [])].join(' '));
        })
        .sort(),
    ]),
  );
}

describe('the stack', () => {
  it('retains, protects, encrypts and backs up every table, with on-demand capacity', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 3);
    template.allResourcesProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAtEpochS', Enabled: true },
    });
    template.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('deletes the tables with the stack only if the environment says so', () => {
    const disposable = synthesizeTemplate({ deployment: { retainData: false } });
    disposable.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' });
    disposable.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
  });

  it('streams the changes of the ledger only', () => {
    const streams = { StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' } };
    template.resourcePropertiesCountIs('AWS::DynamoDB::Table', streams, 1);
  });

  it.each([
    'Endpoint',
    'LedgerTable',
    'RegistryTable',
    'UsageTable',
    'ReportsBucket',
    'UsageWidget',
    'GroqKeyRotation',
    'Changes',
  ])('has the output %s, which commands and docs use', (output) => template.hasOutput(output, {}));

  it('runs functions on Node 24 and arm64, with log retention', () => {
    template.resourceCountIs('AWS::Lambda::Function', 12);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('grants its functions exactly the permissions that they need', () => {
    const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    const startRotation = Object.keys(grantedRights()).find((id) => id.startsWith('GroqKeysStartRotation')) ?? '';
    expect(grantedRights()).toEqual({
      Authorizer: ['dynamodb:GetItem KEY#*', ...logs],
      Admin: [
        'dynamodb:DeleteItem IDEMPOTENCY#*',
        'dynamodb:GetItem IDEMPOTENCY#*',
        'dynamodb:GetItem KEY#*',
        'dynamodb:GetItem ORG',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#*',
        'dynamodb:PutItem AUDIT#*',
        'dynamodb:PutItem IDEMPOTENCY#*',
        'dynamodb:PutItem KEY#*',
        'dynamodb:PutItem TEAM#*',
        'dynamodb:Query AUDIT#*',
        'dynamodb:Query GROQKEYS#*',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem KEY#*',
        'dynamodb:UpdateItem TEAM#*',
        ...logs,
      ],
      Gateway: [
        'dynamodb:ConditionCheckItem TEAM#* ORG',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        'dynamodb:Query POLICIES*',
        // One for the names of keys in the registry, one for the usage.
        'dynamodb:Query TEAM#*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem TEAM#* ORG',
        ...logs,
        // DescribeSecret lists the staged keys.
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
      ],
      GroqRotation: [
        'dynamodb:GetItem GROQKEYS#*',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:PutItem AUDIT#*',
        'dynamodb:PutItem GROQKEYS#*',
        'dynamodb:Query GROQKEYS#*',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem GROQKEYS#*',
        // One for each kind of event.
        'events:PutEvents',
        'events:PutEvents',
        ...logs,
        's3:PutObject',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:RotateSecret',
        'secretsmanager:UpdateSecretVersionStage',
        'sns:Publish',
      ],
      // For its own function only: starting a rotation requires the permission to invoke the rotation function.
      [startRotation]: ['lambda:InvokeFunction'],
      Publisher: [
        'dynamodb:BatchWriteItem POLICIES*',
        'dynamodb:ConditionCheckItem TEAM#* ORG',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        'dynamodb:PutItem AUDIT#*',
        'dynamodb:PutItem POLICIES*',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem KEY#*',
        'dynamodb:UpdateItem TEAM#* ORG',
        ...logs,
      ],
      Sweeper: [
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        // For the usage table: delivered alerts, and usage for their texts.
        'dynamodb:Query ALERTS#*',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem ALERTS#*',
        'dynamodb:UpdateItem TEAM#* ORG',
        'events:PutEvents',
        ...logs,
      ],
      Projector: [
        // For the ledger's stream, and nothing else of the ledger.
        'dynamodb:DescribeStream',
        'dynamodb:GetRecords',
        'dynamodb:GetShardIterator',
        'dynamodb:ListStreams',
        'dynamodb:Query ALERTS#*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem ALERTS#*',
        'dynamodb:UpdateItem TEAM#* END#*',
        'events:PutEvents',
        ...logs,
        'sqs:SendMessage',
      ],
      // Read-only.
      Reconciler: [
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        ...logs,
      ],
      Retirement: [
        'dynamodb:GetItem KEY#*',
        'dynamodb:GetItem ORG',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#*',
        'dynamodb:PutItem AUDIT#*',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:Query TEAM#*',
        'dynamodb:UpdateItem KEY#*',
        'dynamodb:UpdateItem TEAM#*',
        ...logs,
        'sns:Publish',
      ],
      Reporter: [
        'dynamodb:GetItem GROQKEYS#CATALOG',
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:Query TEAM#*',
        ...logs,
        's3:GetObject',
        's3:ListBucket',
        's3:PutObject',
        'sns:Publish',
      ],
      WidgetRenderer: [
        'dynamodb:GetItem POLICIES*',
        'dynamodb:GetItem TEAM#* ORG',
        'dynamodb:Query POLICIES*',
        'dynamodb:Query TEAM#*',
        'dynamodb:Query TEAM#*',
        ...logs,
      ],
      Canary: [
        'dynamodb:DeleteItem KEY#canary* TEAM#groq-rbac-canary',
        'dynamodb:GetItem POLICIES* TEAM#groq-rbac-canary',
        'dynamodb:PutItem KEY#canary* TEAM#groq-rbac-canary',
        'dynamodb:Query POLICIES* TEAM#groq-rbac-canary',
        ...logs,
      ],
    });
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
    const roles = Object.entries(template.findResources('AWS::IAM::Role'));
    const managed = roles.filter(([, { Properties }]) => Properties.ManagedPolicyArns !== undefined);
    // API Gateway's role for access logs is the only one.
    expect(managed.map(([id]) => id)).toEqual([expect.stringMatching(/^ApiRestCloudWatchRole/)]);
  });

  it('has no secret in environment variables, and no key in a template', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      const own = /^(OPERATORS_TOPIC|REPORTS_BUCKET|ALERT_PERCENTS|ALERT_USD|EVENT_BUS)$/;
      const names = Object.keys(Properties.Environment.Variables).filter((name) => !own.test(name));
      expect(names.sort()).toEqual([
        'GATEWAY_ENVIRONMENT',
        'LEDGER_TABLE',
        'NODE_OPTIONS',
        'REGISTRY_TABLE',
        'USAGE_TABLE',
      ]);
    }
    expect(JSON.stringify([template.toJSON(), team.toJSON()])).not.toMatch(/gsk_[A-Za-z0-9]|grk_/);
    team.hasResourceProperties('AWS::SecretsManager::Secret', {
      Name: 'groq/chatbot-test-gateway',
      SecretString: Match.absent(),
      GenerateSecretString: Match.absent(),
    });
  });

  it('traces only on request, because traces are billed', () => {
    template.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: Match.absent() });
    const traced = synthesizeTemplate({ deployment: { tracing: true } });
    traced.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    traced.hasResourceProperties('AWS::ApiGateway::Stage', { TracingEnabled: true });
  });

  it('publishes teams and prices as properties that a diff shows line by line', () => {
    template.hasResourceProperties('Custom::GatewayPolicies', {
      Environment: { teams: { chatbot: { monthlyBudgetUsd: '10', allowedModels: '["openai/gpt-oss-20b"]' } } },
      Catalog: { models: { 'openai/gpt-oss-20b': { input: '0.075' } } },
    });
  });

  it('checks enforcement last, by a resource that changes with any other', () => {
    const [check] = Object.values(template.findResources('Custom::EnforcementCanary'));
    const others = Object.keys(template.findResources('AWS::CloudFormation::Stack'));
    expect(check?.DependsOn).toEqual(expect.arrayContaining(others));
    const fingerprint = (found: Template) =>
      Object.values(found.findResources('Custom::EnforcementCanary'))[0]?.Properties.Deployment;
    expect(fingerprint(synthesizeTemplate())).toBe(fingerprint(template));
    for (const change of [
      { deployment: { tracing: true } },
      { deployment: { logRetentionDays: 7 as const } },
      { organization: { monthlyCapUsd: 1 } },
    ])
      expect(fingerprint(synthesizeTemplate(change))).not.toBe(fingerprint(template));
  });
});

it('allows API Gateway to write logs in an account without that permission, and retains it', () => {
  template.hasResource('AWS::ApiGateway::Account', { DeletionPolicy: 'Retain' });
  synthesizeTemplate({ deployment: { setAccountLogRole: false } }).resourceCountIs('AWS::ApiGateway::Account', 0);
});
