import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { buildStack } from '../../support/stack/stack.ts';

const template = Template.fromStack(buildStack());
const [queueId] = Object.keys(template.findResources('AWS::SQS::Queue'));

it("feeds the ledger's stream to the projector from its oldest record on, with a dead-letter queue", () => {
  template.hasResource('AWS::Lambda::EventSourceMapping', {
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^LedgerTable'), 'StreamArn'] },
      FunctionName: { Ref: Match.stringLikeRegexp('^ProjectorFunction') },
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 100,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 50,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queueId, 'Arn'] } } },
    },
    // Lambda rejects a mapping whose role cannot read the stream yet.
    DependsOn: Match.arrayWith([Match.stringLikeRegexp('^ProjectorRoleDefaultPolicy')]),
  });
});

it('grants access to its stream and queue only', () => {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  const [, policy] = policies.find(([id]) => id.startsWith('ProjectorRole')) ?? [];
  const resources = policy?.Properties.PolicyDocument.Statement.map(({ Resource }: { Resource: object }) => Resource);
  expect(resources).toEqual([
    { 'Fn::GetAtt': [expect.stringMatching(/^ProjectorLogs/), 'Arn'] },
    { 'Fn::GetAtt': [expect.stringMatching(/^UsageTable/), 'Arn'] },
    { 'Fn::GetAtt': [expect.stringMatching(/^LedgerTable/), 'StreamArn'] },
    { 'Fn::GetAtt': [queueId, 'Arn'] },
    // For budget alerts: their delivery records, usage, and the event bus.
    { 'Fn::GetAtt': [expect.stringMatching(/^UsageTable/), 'Arn'] },
    { 'Fn::GetAtt': [expect.stringMatching(/^UsageTable/), 'Arn'] },
    { 'Fn::Join': ['', expect.arrayContaining([':events:eu-central-1:111111111111:event-bus/default'])] },
  ]);
});

it('encrypts the dead-letter queue, retains messages for two weeks, and requires TLS', () => {
  template.hasResourceProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 });
  template.hasResourceProperties('AWS::SQS::QueuePolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    },
  });
});
