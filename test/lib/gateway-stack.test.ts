import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { GatewayStack } from '../../lib/gateway-stack.ts';

let template: Template;
beforeAll(() => {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  template = Template.fromStack(new GatewayStack(app, 'groq-gateway-test', { environmentName: 'test' }));
});

describe('the stack', () => {
  it('keeps, protects, encrypts and backs up every table, and pays for none that idles', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 2);
    template.allResourcesProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
    template.allResources('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  it('lets only the ledger expire and stream', () => {
    template.resourcePropertiesCountIs(
      'AWS::DynamoDB::Table',
      {
        TimeToLiveSpecification: { AttributeName: 'expiresAtEpochS', Enabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      },
      1,
    );
  });

  it('runs on Node 24 and arm64, with logs that end', () => {
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('gives its functions exactly the rights they use', () => {
    const policies = Object.values(template.findResources('AWS::IAM::Policy'));
    const actions = policies.map(({ Properties }) =>
      Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action).sort(),
    );
    const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
    expect(actions.sort()).toEqual(
      [
        ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', ...logs, 'secretsmanager:GetSecretValue'],
        ['dynamodb:GetItem', ...logs],
      ].sort(),
    );
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
    template.allResourcesProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  });

  it('has no secret in a variable', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      expect(Object.keys(Properties.Environment.Variables).sort()).toEqual([
        'GATEWAY_ENVIRONMENT',
        'LEDGER_TABLE',
        'NODE_OPTIONS',
        'REGISTRY_TABLE',
      ]);
    }
  });
});
