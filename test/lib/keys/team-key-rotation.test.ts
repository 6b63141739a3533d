import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { serviceSecretName, teamFromServiceSecret } from '../../../lambda/contract.ts';
import { buildStack, synthesizeTemplate } from '../../support/stack/stack.ts';

const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 10 };
const stack = buildStack({ teams: { chatbot: { ...team, rotateKeyEveryDays: 30 }, batch: team } });
const template = Template.fromStack(stack);
const teamTemplate = (name: string) => Template.fromStack(stack.node.findChild(`Team-${name}`) as Stack);
const secretArn = {
  'Fn::Join': [
    '',
    [
      'arn:',
      { Ref: 'AWS::Partition' },
      ':secretsmanager:eu-central-1:111111111111:secret:gateway/*-test-service-??????',
    ],
  ],
};

it('creates a secret without a key for a team with rotation, rotated at once and by schedule', () => {
  const chatbot = teamTemplate('chatbot');
  chatbot.hasResource('AWS::SecretsManager::Secret', {
    DeletionPolicy: 'Delete',
    Properties: {
      Name: 'gateway/chatbot-test-service',
      SecretString: Match.absent(),
      GenerateSecretString: { GenerateStringKey: 'placeholder', SecretStringTemplate: Match.not(/apiKey/) },
    },
  });
  chatbot.hasResource('AWS::SecretsManager::RotationSchedule', {
    // CloudFormation deletes it before it revokes the team's keys.
    DependsOn: ['Keys'],
    Properties: { RotationRules: { AutomaticallyAfterDays: 30 }, RotateImmediatelyOnUpdate: true },
  });
});

it('creates nothing for a team without rotation, and no function for an environment without such teams', () => {
  teamTemplate('batch').resourceCountIs('AWS::SecretsManager::Secret', 1);
  teamTemplate('batch').resourceCountIs('AWS::SecretsManager::RotationSchedule', 0);
  const without = synthesizeTemplate();
  expect(Object.keys(without.findResources('AWS::IAM::Role')).filter((id) => id.startsWith('KeyRotation'))).toEqual([]);
  const names = Object.values(without.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => Properties.AlarmName,
  );
  expect(names).not.toContain('groq-gateway-test-rotation-errors');
  template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'groq-gateway-test-rotation-errors' });
});

it('lets one function write service secrets, and Secrets Manager invoke it for those only', () => {
  const writers = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([, { Properties }]) => {
    const text = JSON.stringify(Properties.PolicyDocument);
    return text.includes('secretsmanager:PutSecretValue') && text.includes(':secret:gateway/');
  });
  expect(writers.map(([id]) => id)).toEqual([expect.stringMatching(/^KeyRotationRole/)]);
  const on = (...partitions: string[]) => ({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions } });
  expect(writers[0]?.[1].Properties.PolicyDocument.Statement).toEqual([
    expect.objectContaining({ Action: ['logs:CreateLogStream', 'logs:PutLogEvents'] }),
    expect.objectContaining({
      Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      Condition: on('KEY#*'),
    }),
    expect.objectContaining({ Action: 'dynamodb:PutItem', Condition: on('TEAM#*', 'AUDIT#*') }),
    {
      Action: [
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ],
      Effect: 'Allow',
      Resource: secretArn,
    },
  ]);
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'secretsmanager.amazonaws.com',
    SourceAccount: '111111111111',
    SourceArn: secretArn,
  });
  const [nested] = Object.entries(template.findResources('AWS::CloudFormation::Stack')).filter(([id]) =>
    id.startsWith('Teamchatbot'),
  );
  expect(nested?.[1].DependsOn).toEqual(
    expect.arrayContaining([expect.stringMatching(/^TeamKeyRotationSecretsManager/)]),
  );
});

it.each([
  ['gateway/chatbot-test-service', 'chatbot'],
  ['gateway/batch-processor-test-service', 'batch-processor'],
  ['gateway/chatbot-prod-service', undefined],
  ['groq/chatbot-test-gateway', undefined],
  ['gateway/-test-service', undefined],
  ['x-gateway/chatbot-test-service', undefined],
])('parses the team of %s', (name, wanted) => {
  expect(teamFromServiceSecret(name, 'test')).toBe(wanted);
  if (wanted !== undefined) expect(serviceSecretName(wanted, 'test')).toBe(name);
});
