import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { teamFromGroqSecret } from '../../../lambda/contract.ts';
import { buildStack, synthesizeTemplate } from '../../support/stack/stack.ts';

const template = synthesizeTemplate();
const secretArn = {
  'Fn::Join': [
    '',
    ['arn:', { Ref: 'AWS::Partition' }, ':secretsmanager:eu-central-1:111111111111:secret:groq/*-test-gateway-??????'],
  ],
};
const WRITES = ['PutSecretValue', 'UpdateSecretVersionStage', 'RotateSecret'].map((name) => `secretsmanager:${name}`);

/** The statements of every policy of a template, by the policy's logical id. */
function statementsOf(of: Template): readonly (readonly [string, Record<string, unknown>])[] {
  return Object.entries(of.findResources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) =>
    Properties.PolicyDocument.Statement.map((statement: Record<string, unknown>) => [id, statement] as const),
  );
}

it("lets one function write Groq secrets, this environment's only, and the gateway read them", () => {
  const onSecrets = statementsOf(template).filter(([, { Resource }]) => JSON.stringify(Resource).includes(':secret:'));
  const rights = onSecrets.map(([id, { Action, Resource }]) => {
    expect(Resource).toEqual(secretArn);
    return [id.replace(/Role.*/, ''), Action];
  });
  const reads = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];
  expect(Object.fromEntries(rights)).toEqual({ Gateway: reads, GroqRotation: [...reads, ...WRITES] });
});

it('lets Secrets Manager call the function for these secrets, and the function begin a rotation by itself', () => {
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'secretsmanager.amazonaws.com',
    SourceAccount: '111111111111',
    SourceArn: secretArn,
  });
  const [own] = statementsOf(template).filter(([id]) => id.startsWith('GroqKeysStartRotation'));
  expect(own?.[1]).toMatchObject({
    Action: 'lambda:InvokeFunction',
    Resource: { 'Fn::GetAtt': [expect.stringMatching(/^GroqRotationFunction/), 'Arn'] },
  });
});

it("lets it tell by the gateway's own events only, and keep reports in a folder of their own", () => {
  const statements = statementsOf(template).filter(([id]) => id.startsWith('GroqRotationRole'));
  const of = (action: string) => statements.find(([, { Action }]) => Action === action)?.[1];
  expect(of('events:PutEvents')).toMatchObject({ Condition: { StringEquals: { 'events:source': 'groq-gateway' } } });
  expect(JSON.stringify(of('s3:PutObject'))).toMatch(/\/groq-keys\/\*/);
  expect(JSON.stringify(statements)).not.toMatch(/s3:(Get|List|Delete)/);
});

it('watches every five minutes and retires once a day', () => {
  const rules = Object.values(template.findResources('AWS::Events::Rule'))
    .map(({ Properties }) => [Properties.ScheduleExpression, Properties.Targets[0].Input])
    .filter(([, input]) => input !== undefined);
  expect(rules.sort()).toEqual([
    ['rate(1 day)', '{"job":"retire"}'],
    ['rate(5 minutes)', '{"job":"watch"}'],
  ]);
});

it('needs no schedule of Secrets Manager, which would want a first key before there is one', () => {
  const stack = buildStack({
    teams: { chatbot: { allowedModels: ['openai/gpt-oss-20b'], rotateGroqKeyEveryDays: 30 } },
  });
  const team = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
  team.resourceCountIs('AWS::SecretsManager::RotationSchedule', 0);
  team.hasResourceProperties('AWS::SecretsManager::Secret', { SecretString: Match.absent(), KmsKeyId: Match.absent() });
});

it('encrypts secrets by a key of your own, where one is named, and lets its users use it through Secrets Manager', () => {
  const secretsKmsKeyArn = 'arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555';
  const stack = buildStack({ deployment: { secretsKmsKeyArn } });
  const team = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
  team.hasResourceProperties('AWS::SecretsManager::Secret', { KmsKeyId: secretsKmsKeyArn });
  const onKey = statementsOf(Template.fromStack(stack)).filter(([, { Resource }]) => Resource === secretsKmsKeyArn);
  expect(onKey.map(([id, { Action }]) => [id.replace(/Role.*/, ''), Action])).toEqual([
    ['Gateway', 'kms:Decrypt'],
    ['GroqRotation', ['kms:Decrypt', 'kms:GenerateDataKey']],
  ]);
  for (const [, { Condition }] of onKey) expect(JSON.stringify(Condition)).toContain('kms:ViaService');
});

it.each([
  ['groq/chatbot-test-gateway', 'chatbot'],
  ['groq/batch-processor-test-gateway', 'batch-processor'],
  ['groq/chatbot-prod-gateway', undefined],
  ['gateway/chatbot-test-service', undefined],
  ['x-groq/chatbot-test-gateway', undefined],
])('knows whose secret %s is', (name, wanted) => {
  expect(teamFromGroqSecret(name, 'test')).toBe(wanted);
});
