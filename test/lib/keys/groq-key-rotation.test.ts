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

/** Returns the statements of every policy in a template, with the policy's logical id. */
function listStatements(source: Template): readonly (readonly [string, Record<string, unknown>])[] {
  return Object.entries(source.findResources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) =>
    Properties.PolicyDocument.Statement.map((statement: Record<string, unknown>) => [id, statement] as const),
  );
}

it("lets one function write Groq secrets, this environment's only, and the gateway read them", () => {
  const onSecrets = listStatements(template).filter(([, { Resource }]) =>
    JSON.stringify(Resource).includes(':secret:'),
  );
  const rights = onSecrets.map(([id, { Action, Resource }]) => {
    expect(Resource).toEqual(secretArn);
    return [id.replace(/Role.*/, ''), Action];
  });
  const reads = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];
  expect(Object.fromEntries(rights)).toEqual({ Gateway: reads, GroqRotation: [...reads, ...WRITES] });
});

it('lets Secrets Manager invoke the function for these secrets, and the function start a rotation', () => {
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'secretsmanager.amazonaws.com',
    SourceAccount: '111111111111',
    SourceArn: secretArn,
  });
  const [own] = listStatements(template).filter(([id]) => id.startsWith('GroqKeysStartRotation'));
  expect(own?.[1]).toMatchObject({
    Action: 'lambda:InvokeFunction',
    Resource: { 'Fn::GetAtt': [expect.stringMatching(/^GroqRotationFunction/), 'Arn'] },
  });
});

it("may send only the gateway's own events, and write reports only in their folder", () => {
  const statements = listStatements(template).filter(([id]) => id.startsWith('GroqRotationRole'));
  const statementFor = (action: string) => statements.find(([, { Action }]) => Action === action)?.[1];
  expect(statementFor('events:PutEvents')).toMatchObject({
    Condition: { StringEquals: { 'events:source': 'groq-gateway' } },
  });
  expect(JSON.stringify(statementFor('s3:PutObject'))).toMatch(/\/groq-keys\/\*/);
  expect(JSON.stringify(statements)).not.toMatch(/s3:(Get|List|Delete)/);
});

it('watches every five minutes, retires once a day and compares the catalog twice a day', () => {
  const rules = Object.values(template.findResources('AWS::Events::Rule'))
    .map(({ Properties }) => [Properties.ScheduleExpression, Properties.Targets[0].Input])
    .filter(([, input]) => input !== undefined);
  expect(rules.sort()).toEqual([
    ['rate(1 day)', '{"job":"retire"}'],
    ['rate(12 hours)', '{"job":"catalog"}'],
    ['rate(5 minutes)', '{"job":"watch"}'],
  ]);
});

it('uses no Secrets Manager schedule, which would need a first key at deployment', () => {
  const stack = buildStack({
    teams: { chatbot: { allowedModels: ['openai/gpt-oss-20b'], rotateGroqKeyEveryDays: 30 } },
  });
  const team = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
  team.resourceCountIs('AWS::SecretsManager::RotationSchedule', 0);
  team.hasResourceProperties('AWS::SecretsManager::Secret', { SecretString: Match.absent(), KmsKeyId: Match.absent() });
});

it('encrypts secrets with a given KMS key, and grants its use through Secrets Manager', () => {
  const secretsKmsKeyArn = 'arn:aws:kms:eu-central-1:111111111111:key/11111111-2222-3333-4444-555555555555';
  const stack = buildStack({ deployment: { secretsKmsKeyArn } });
  const team = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
  team.hasResourceProperties('AWS::SecretsManager::Secret', { KmsKeyId: secretsKmsKeyArn });
  const onKey = listStatements(Template.fromStack(stack)).filter(([, { Resource }]) => Resource === secretsKmsKeyArn);
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
])('parses the team of %s', (name, wanted) => {
  expect(teamFromGroqSecret(name, 'test')).toBe(wanted);
});
