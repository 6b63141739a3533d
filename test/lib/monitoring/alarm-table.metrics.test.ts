import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { beforeAll, expect, it } from 'vitest';
import { createSweepHandler } from '../../../lambda/alerts/io/sweep-handler.ts';
import { requestMetrics } from '../../../lambda/chat/request-metrics.ts';
import type { RequestReport } from '../../../lambda/chat/request-report.ts';
import { HeadroomMetrics } from '../../../lambda/groq/headroom-metrics.ts';
import { createGroqKeyRotationHandler } from '../../../lambda/groq-keys/io/groq-key-rotation-handler.ts';
import { createAuthorizer } from '../../../lambda/http/io/authorizer.ts';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { REFUSALS, type RefusalReason, refuse } from '../../../lambda/kernel/refusals.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import { toEmfLine } from '../../../lambda/telemetry/emf-record.ts';
import { createReconciliationHandler } from '../../../lambda/usage/io/reconcile-handler.ts';
import { lambdaContext } from '../../../local/host/lambda-runtime.ts';
import { alertDeliveryWith, MemoryAlertRepository, usd } from '../../support/alert-delivery.ts';
import { catalog, policyWith } from '../../support/catalog.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { CatalogWatchRig } from '../../support/keys/catalog-watch.ts';
import { GroqKeyTestRig, rotationToken, TEAM } from '../../support/keys/groq-key-rig.ts';
import { buildSettlement, START_MS } from '../../support/ledger/ledger-fixtures.ts';
import { buildStack } from '../../support/stack/stack.ts';

type Line = Readonly<Record<string, unknown>> & {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
};
/** A metric and its dimensions as text. */
const series = (name: string, dimensions: readonly string[]) => `${name} by ${[...dimensions].sort().join(', ')}`;

const lines: Line[] = [];
const write = (line: string) => void lines.push(JSON.parse(line));
const context = lambdaContext('any', 'r', 60_000);
const clock = fakeClock();
const policies = { policies: async () => ({ teams: new Map([['chatbot', policyWith()]]), catalog }) };
const state = {
  ...openLedger(usd(100)),
  spentPicoUsd: usd(60),
  overrunPicoUsd: picoUsd(1n),
  assumedPicoUsd: picoUsd(1n),
};

/** Runs every function that writes metrics, with everything that it can write. */
beforeAll(async () => {
  const groqKeys = { usedId: 'g2', refusedIds: ['g1'] };
  const settlement = buildSettlement(3n, { assumed: true, trace: { upstreamMs: 5, groqKeys } });
  const ended = {
    model: 'm',
    period: '2026-11',
    settlement,
    maxCostPicoUsd: picoUsd(2n),
    isComplete: true,
    view: state,
  };
  const call = { requestId: 'r', atEpochMs: START_MS, team: 'chatbot', keyId: 'k', model: 'm', totalMs: 9 };
  const reports: readonly RequestReport[] = [
    { ...call, ended, firstTokenMs: 3 },
    ...(Object.keys(REFUSALS) as RefusalReason[]).map((reason) => ({ ...call, refusal: refuse(reason, 'no') })),
  ];
  for (const report of reports) write(toEmfLine(requestMetrics(report, 'test')));
  new HeadroomMetrics({ observe: () => {} }, 'test', write).observe(
    'm',
    { requests: { perWindow: 2, remaining: 1 }, tokens: { perWindow: 2, remaining: 1 } },
    START_MS,
  );
  const organization = { holders: new Set(['chatbot']), limitPicoUsd: usd(400) };
  await createSweepHandler({
    policies,
    ledger: {
      sweep: async () => ({ expired: 1, state }),
      sweepCap: async () => {},
      readOrganization: async () => organization,
    },
    clock,
    alerts: alertDeliveryWith(new MemoryAlertRepository()).ports,
    environmentName: 'test',
    write,
  })({}, context);
  await createReconciliationHandler({
    policies,
    ledger: { read: async () => state, readOrganization: async () => undefined },
    usage: { listRows: async () => [] },
    clock,
    environmentName: 'test',
    log: () => {},
    write,
  })({}, context);
  const rig = new GroqKeyTestRig();
  rig.begin(rotationToken('a'));
  const rotate = createGroqKeyRotationHandler({
    ...rig.ports,
    ...new CatalogWatchRig().ports,
    notifier: { ...rig.ports.notifier, notifyDifferences: async () => {} },
    environmentName: 'test',
    secretFor: () => rig.secret,
    secretForTeam: () => rig.secret,
    startRotation: async () => {},
    policies: async () => new Map([[TEAM, policyWith()]]),
    nowEpochMs: () => START_MS,
    log: () => {},
    write,
  });
  const step = { Step: 'createSecret', SecretId: 'arn', ClientRequestToken: rotationToken('a') } as const;
  await expect(rotate(step, context)).rejects.toThrow('no staged key');
  await rotate({ job: 'catalog' }, context);
  const keys = { identify: async () => undefined } as unknown as Parameters<typeof createAuthorizer>[0]['keys'];
  const request = { type: 'REQUEST', methodArn: 'a/b/GET/c', headers: { Authorization: 'Bearer grk_test_wrong' } };
  const event = { ...request, requestContext: { identity: { sourceIp: '192.0.2.1' } } };
  const authorize = createAuthorizer({ keys, environmentName: 'test', nowEpochMs: () => START_MS, write });
  await expect(authorize(event as unknown as APIGatewayRequestAuthorizerEvent, context)).rejects.toThrow();
});

const written = () =>
  new Set(
    lines.flatMap(({ _aws }) =>
      _aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
        Metrics.flatMap(({ Name }) => Dimensions.map((by) => series(Name, by))),
      ),
    ),
  );

const stack = buildStack({
  organization: { monthlyCapUsd: 500, alertsUsd: [100], alertsPercent: [50, 80, 95] },
  teams: { chatbot: { allowedModels: ['openai/gpt-oss-20b'], rotateKeyEveryDays: 30 } },
});
const template = Template.fromStack(stack);
const body = JSON.stringify(template.findResources('AWS::CloudWatch::Dashboard')).replaceAll('\\', '');

it('has alarms only on metrics and dimensions that a function writes', () => {
  const teamTemplate = Template.fromStack(stack.node.findChild('Team-chatbot') as Stack);
  const own = [template, teamTemplate]
    .flatMap((each) => Object.values(each.findResources('AWS::CloudWatch::Alarm')))
    .map(({ Properties }) => Properties)
    .filter(({ Namespace }) => Namespace === 'GroqGateway');
  expect(own.length).toBeGreaterThan(14);
  for (const { MetricName, Dimensions } of own) {
    const by = (Dimensions as { readonly Name: string }[]).map(({ Name }) => Name);
    expect(written()).toContain(series(MetricName, by));
  }
});

it('shows only metrics and dimensions on the dashboard that a function writes', () => {
  const searched = [...body.matchAll(/SEARCH\('\{GroqGateway,([A-Za-z,]+)\} MetricName="(\w+)"/g)].map(
    ([, by = '', name = '']) => series(name, by.split(',')),
  );
  const plain = [...body.matchAll(/\["GroqGateway","(\w+)","Environment","test"(,"Team","\w+")?/g)].map(
    ([, name = '', team]) => series(name, team === undefined ? ['Environment'] : ['Environment', 'Team']),
  );
  expect([searched.length, plain.length]).toEqual([9, 11]);
  for (const each of [...searched, ...plain]) expect(written()).toContain(each);
});

it("queries the log for fields that a request's line has", () => {
  const [line] = lines;
  expect(line).toMatchObject({ event: 'request', Team: 'chatbot', groqKeyId: 'g2' });
  expect(body).toMatch(/filter event = "request" and ispresent\(groqKeyId\)/);
});

it('has a value for every declared metric and dimension, within the limits of the format', () => {
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines)
    for (const { Namespace, Dimensions, Metrics } of line._aws.CloudWatchMetrics) {
      expect(Namespace).toBe('GroqGateway');
      // The format allows 100 metrics per directive (docs "Specification: Embedded metric format", read 2026-11-25).
      expect(Metrics.length).toBeLessThanOrEqual(100);
      for (const { Name } of Metrics) expect(Number.isFinite(line[Name]), Name).toBe(true);
      for (const name of Dimensions.flat()) expect(line[name], name).toEqual(expect.stringMatching(/./));
    }
});
