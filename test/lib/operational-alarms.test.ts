import { readFileSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { templateOf } from '../support/stack.ts';

const chatbot = { allowedModels: ['openai/gpt-oss-20b'], rotateKeyEveryDays: 30 };
// With every alarm that there can be.
const template = templateOf({ deployment: { operators: ['operator@example.com'] }, teams: { chatbot } });
const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));

it('tells the operators when an alarm fires and when it clears', () => {
  expect(alarms.length).toBeGreaterThan(5);
  template.allResourcesProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: Match.anyValue(),
    OKActions: Match.anyValue(),
    TreatMissingData: 'notBreaching',
  });
  template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'operator@example.com' });
});

it('lets alarms of this account publish to the topic, and nobody without TLS', () => {
  template.hasResourceProperties('AWS::SNS::TopicPolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        Match.objectLike({
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': '111111111111' } },
        }),
      ]),
    },
  });
});

it('has a runbook section for each alarm, named as the alarm is', () => {
  const runbook = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const sections = [...runbook.matchAll(/^## (\S+)$/gm)].map(([, name]) => `groq-gateway-test-${name}`);
  for (const { Properties } of alarms) {
    expect(sections).toContain(Properties.AlarmName);
    expect(Properties.AlarmDescription).toContain(
      `docs/operations.md#${Properties.AlarmName.replace('groq-gateway-test-', '')}`,
    );
  }
});
