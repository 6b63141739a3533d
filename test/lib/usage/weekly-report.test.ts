import { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { buildStack } from '../../support/stack/stack.ts';

const template = Template.fromStack(buildStack());
const findResourceId = (type: string, start: string) =>
  Object.keys(template.findResources(type)).find((id) => id.startsWith(start)) ?? `no ${type} ${start}`;
const bucket = findResourceId('AWS::S3::Bucket', 'Reports');

it('runs every Monday at 06:00 UTC', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'cron(0 6 ? * MON *)',
    Targets: [{ Arn: { 'Fn::GetAtt': [findResourceId('AWS::Lambda::Function', 'Reporter'), 'Arn'] } }],
  });
});

it('writes only to its own folder of the bucket, like the rotation reports', () => {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  const bucketStatements = policies.flatMap(([id, { Properties }]) =>
    (Properties.PolicyDocument.Statement as { Action: string | string[] }[])
      .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('s3:')))
      .map((statement) => ({ id: id.replace(/Role.*/, ''), ...statement })),
  );
  expect(bucketStatements).toEqual([
    {
      id: 'GroqRotation',
      Effect: 'Allow',
      Action: 's3:PutObject',
      Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [bucket, 'Arn'] }, '/groq-keys/*']] },
    },
    {
      id: 'Reporter',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:GetObject'],
      Resource: { 'Fn::Join': ['', [{ 'Fn::GetAtt': [bucket, 'Arn'] }, '/weekly/*']] },
    },
    {
      id: 'Reporter',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: { 'Fn::GetAtt': [bucket, 'Arn'] },
      Condition: { StringLike: { 's3:prefix': ['weekly/*'] } },
    },
  ]);
});

it('is retried by Lambda, because it is idempotent', () => {
  const reporter = findResourceId('AWS::Lambda::Function', 'Reporter');
  const configured = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'));
  expect(configured.filter(({ Properties }) => Properties.FunctionName.Ref === reporter)).toEqual([]);
  template.hasOutput('ReportsBucket', { Value: { Ref: bucket } });
  template.hasOutput('UsageWidget', {
    Value: { 'Fn::GetAtt': [findResourceId('AWS::Lambda::Function', 'WidgetRenderer'), 'Arn'] },
  });
});
