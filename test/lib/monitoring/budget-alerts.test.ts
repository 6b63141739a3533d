import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { buildStack } from '../../support/stack/stack.ts';

const chatbot = { allowedModels: ['openai/gpt-oss-20b'], alertRecipients: ['a@example.com', 'b@example.com'] };
const quiet = { allowedModels: ['openai/gpt-oss-20b'] };
const webhook = { kind: 'slack' as const, secretName: 'alerts/slack' };
const stack = buildStack({ teams: { chatbot, quiet }, deployment: { webhook } });
const template = Template.fromStack(stack);
const teamTemplate = (team: string) => Template.fromStack(stack.node.findChild(`Team-${team}`) as Stack);

const isAlert = { source: ['groq-gateway'], 'detail-type': ['Budget threshold crossed'] };
const textOnly = { InputPathsMap: { 'detail-text': '$.detail.text' }, InputTemplate: '"<detail-text>"' };

describe('an alert', () => {
  it('goes to the operators as its text, and to the webhook completely', () => {
    const deadLetters = { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^UndeliveredAlerts'), 'Arn'] } };
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { ...isAlert, detail: { environment: ['test'] } },
      Targets: [
        {
          Arn: { Ref: Match.stringLikeRegexp('^AlarmsTopic') },
          InputTransformer: textOnly,
          DeadLetterConfig: deadLetters,
          RetryPolicy: { MaximumEventAgeInSeconds: 21_600 },
        },
        {
          Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^WebhookFunction'), 'Arn'] },
          InputTransformer: Match.absent(),
          DeadLetterConfig: deadLetters,
        },
      ],
    });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sns:Publish', Principal: { Service: 'events.amazonaws.com' } }),
        ]),
      },
    });
  });

  it('goes to the recipients of its team only, and to nobody if the team has none', () => {
    const team = teamTemplate('chatbot');
    team.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { ...isAlert, detail: { environment: ['test'], holder: ['chatbot'] } },
      Targets: [Match.objectLike({ InputTransformer: textOnly })],
    });
    for (const Endpoint of chatbot.alertRecipients)
      team.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint });
    teamTemplate('quiet').resourceCountIs('AWS::SNS::Topic', 0);
    teamTemplate('quiet').resourceCountIs('AWS::Events::Rule', 0);
  });

  it('may be put on the bus only by functions that detect it, and they may put nothing else', () => {
    const statements = Object.entries(template.findResources('AWS::IAM::Policy')).flatMap(([id, { Properties }]) =>
      Properties.PolicyDocument.Statement.filter(
        ({ Action }: { Action: unknown }) => Action === 'events:PutEvents',
      ).map(({ Condition }: { Condition: unknown }) => [id.replace(/Role.*/, ''), Condition]),
    );
    const only = (type: string) => ({
      StringEquals: { 'events:source': 'groq-gateway', 'events:detail-type': type },
    });
    const alerts = only('Budget threshold crossed');
    expect(statements.sort()).toEqual(
      [
        ['Sweeper', alerts],
        ['Projector', alerts],
        ['GroqRotation', only('Groq key rotation')],
        ['GroqRotation', only('Catalog differs')],
      ].sort(),
    );
  });
});

describe("the webhook's function", () => {
  it('may read only its own secret, and the template does not contain the URL', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { WEBHOOK_KIND: 'slack', WEBHOOK_SECRET: 'alerts/slack' } },
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'secretsmanager:GetSecretValue',
            Resource: { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp(':secret:alerts/slack-\\?{6}$')])] },
          }),
        ]),
      },
    });
    expect(JSON.stringify(template.toJSON())).not.toMatch(/hooks\.slack|webhook\.office/);
  });

  it('is tried three times, and keeps events that fail every time', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^UndeliveredAlerts'), 'Arn'] } },
      },
    });
  });

  it('exists only if the environment has a webhook', () => {
    const without = Template.fromStack(buildStack());
    expect(Object.keys(without.findResources('AWS::Lambda::Function')).join()).not.toContain('Webhook');
    without.resourcePropertiesCountIs('AWS::Events::Rule', { EventPattern: Match.anyValue() }, 1);
  });
});
