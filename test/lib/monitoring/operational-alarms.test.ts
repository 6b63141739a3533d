import { readFileSync } from 'node:fs';
import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { BUDGET_ALARMS, OPERATIONAL_ALARMS } from '../../../lib/monitoring/alarm-table.ts';
import { buildStack } from '../../support/stack/stack.ts';

const chatbot = { allowedModels: ['openai/gpt-oss-20b'], rotateKeyEveryDays: 30 };
const organization = { monthlyCapUsd: 500, alertsUsd: [100, 250], alertsPercent: [50, 80, 95] };
// An environment with every alarm.
const environment = { organization, deployment: { operators: ['operator@example.com'] }, teams: { chatbot } };
const stack = buildStack(environment);
const template = Template.fromStack(stack);
const teamTemplate = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
type Alarm = Record<string, unknown> & { readonly AlarmName: string; readonly AlarmDescription: string };
const findAlarms = (from: Template) =>
  Object.values(from.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties as Alarm);
const alarms = findAlarms(template);
const isBudget = ({ AlarmName }: Alarm) => /^groq-gateway-test-(team|organization)-/.test(AlarmName);

it('notifies the operators when an alarm goes off and when it clears', () => {
  expect(alarms.length).toBeGreaterThan(20);
  for (const alarm of alarms.filter((alarm) => !isBudget(alarm)))
    expect(alarm).toMatchObject({
      AlarmActions: [expect.anything()],
      OKActions: [expect.anything()],
      TreatMissingData: 'notBreaching',
    });
  template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'operator@example.com' });
});

it('has alarms of every budget that keep their state without data and clear without a message', () => {
  const budgets = [...alarms, ...findAlarms(teamTemplate)].filter(isBudget);
  const dimensions = (holder?: string) => [
    { Name: 'Environment', Value: 'test' },
    ...(holder === undefined ? [] : [{ Name: 'Team', Value: holder }]),
  ];
  const at = (name: string, MetricName: string, Threshold: number, holder?: string) => ({
    AlarmName: `groq-gateway-test-${name}`,
    ...{ Namespace: 'GroqGateway', MetricName, Dimensions: dimensions(holder), Statistic: 'Maximum', Period: 300 },
    ...{ Threshold, ComparisonOperator: 'GreaterThanOrEqualToThreshold', EvaluationPeriods: 1 },
    TreatMissingData: 'ignore',
    AlarmActions: [expect.anything()],
    AlarmDescription: expect.any(String),
  });
  expect(budgets).toEqual([
    ...[50, 80, 95].map((n) => at(`organization-budget-${n}`, 'BudgetUsedPercent', n, 'ORGANIZATION')),
    ...[100, 250].map((n) => at(`organization-spend-${n}`, 'SpentUsd', n)),
    ...[50, 80, 95].map((n) => at(`team-budget-chatbot-${n}`, 'BudgetUsedPercent', n, 'chatbot')),
  ]);
});

it('omits team alarms if the environment disables them, but keeps those of the organisation', () => {
  const without = buildStack({ ...environment, deployment: { teamAlarms: false } });
  Template.fromStack(without.node.findChild('Team-chatbot') as Stack).resourceCountIs('AWS::CloudWatch::Alarm', 0);
  expect(findAlarms(Template.fromStack(without))).toHaveLength(alarms.length);
});

it("lets this account's alarms publish to the topic, and requires TLS", () => {
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

it('has a runbook section for each alarm, an alarm for each section, and a remedy in each', () => {
  const runbook = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const sections = [...runbook.matchAll(/^## ([a-z0-9-]+)$/gm)].map(([, name]) => name);
  const entries = [...OPERATIONAL_ALARMS, ...Object.values(BUDGET_ALARMS)];
  expect(sections.sort()).toEqual(entries.map(({ what }) => what).sort());
  for (const part of runbook.split(/^## /m).filter((text) => /^[a-z0-9-]+\n/.test(text)))
    expect(part).toMatch(/\*\*Meaning\.\*\*[\s\S]+\*\*Check\.\*\*[\s\S]+\*\*Fix\.\*\*[\s\S]+\*\*Over\.\*\*/);
  for (const { AlarmName, AlarmDescription } of [...alarms, ...findAlarms(teamTemplate)]) {
    const entry = entries.find(({ what }) => AlarmName.replace('groq-gateway-test-', '').startsWith(what));
    expect(AlarmDescription).toBe(`${entry?.meaning} ${entry?.remedy} Runbook: docs/operations.md#${entry?.what}`);
  }
});

it('has as many alarms as docs/deploy.md states', () => {
  const costs = readFileSync(new URL('../../../docs/deploy.md', import.meta.url), 'utf8');
  const stated = /(\d+) alarms of the gateway, 3 and one/.exec(costs)?.[1];
  // Without the alarm of service key rotation, which most environments do not have.
  expect(alarms.filter((alarm) => !isBudget(alarm)).length - 1).toBe(Number(stated));
});

it('has alarms on scheduled functions that run often enough within the period to reach the threshold', () => {
  const logicalIdIn = (value: unknown) => (value as { Ref?: string; 'Fn::GetAtt'?: [string] })['Fn::GetAtt']?.[0];
  const parseMinutes = (schedule: string) => {
    const [, number = '', unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule) ?? [];
    return Number(number) * (unit === 'minute' ? 1 : unit === 'hour' ? 60 : 1_440);
  };
  // Functions without retries: the next scheduled run makes up for a failure.
  const once = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'))
    .filter(({ Properties }) => Properties.MaximumRetryAttempts === 0)
    .map(({ Properties }) => Properties.FunctionName.Ref as string);
  const schedules = Object.values(template.findResources('AWS::Events::Rule')).flatMap(({ Properties }) => {
    const target = logicalIdIn(Properties.Targets?.[0]?.Arn) ?? '';
    return once.includes(target) ? [{ target, everyMin: parseMinutes(Properties.ScheduleExpression) }] : [];
  });
  expect(schedules.map(({ everyMin }) => everyMin).sort((a, b) => a - b)).toEqual([5, 360, 720]);
  for (const { target, everyMin } of schedules) {
    const [alarm] = alarms.filter(
      ({ Namespace, MetricName, Dimensions }) =>
        Namespace === 'AWS/Lambda' &&
        MetricName === 'Errors' &&
        (Dimensions as { Value: { Ref?: string } }[])[0]?.Value.Ref === target,
    );
    // A function that runs less often than once per period can fail only once in it.
    const runs = Math.max(1, Math.floor(Number(alarm?.Period) / 60 / everyMin));
    expect(runs, target).toBeGreaterThanOrEqual(Number(alarm?.Threshold));
  }
});
