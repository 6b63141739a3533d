import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { expect, it } from 'vitest';
import { METRIC } from '../../../lambda/telemetry/metrics.ts';
import type { GatewayFunction } from '../../../lib/gateway-function.ts';
import { GatewayDashboard } from '../../../lib/monitoring/dashboard.ts';
import { buildStack, synthesizeTemplate } from '../../support/stack/stack.ts';

/** CloudWatch's limits per dashboard (quotas, read 2026-11-25). */
const MAX_WIDGETS = 500;
const MAX_METRICS = 2_500;

type Widget = {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: {
    readonly title?: string;
    readonly metrics?: readonly (readonly (string | { readonly expression?: string; readonly stat?: string })[])[];
    readonly query?: string;
    readonly endpoint?: string;
  };
};

function readWidgets(template: Template): readonly Widget[] {
  const [page] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = page?.Properties.DashboardBody;
  const parts: unknown[] = typeof body === 'string' ? [body] : body['Fn::Join'][1];
  return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'TOKEN')).join('')).widgets;
}
const widgets = readWidgets(synthesizeTemplate());
const expressions = widgets.flatMap(({ properties }) =>
  (properties.metrics ?? []).flatMap((line) =>
    line.flatMap((part) => (typeof part === 'object' && part.expression !== undefined ? [part.expression] : [])),
  ),
);

it('shows spending, burn rate, tokens, refusals, latency, headroom and keys by their dimensions', () => {
  const searched = (metric: string, dimension: string, statistic: string, filter = '') =>
    `SORT(SEARCH('{GroqGateway,Environment,${dimension}} MetricName="${metric}" Environment="test"${filter}', '${statistic}', 300), MAX, DESC, 20)`;
  expect(expressions).toEqual([
    searched('BudgetUsedPercent', 'Team', 'Maximum'),
    searched('ProjectedMonthEndUsd', 'Team', 'Maximum', ' NOT Team="ORGANIZATION"'),
    ...['PromptTokens', 'CachedTokens', 'CompletionTokens', 'ReasoningTokens'].map((metric) =>
      searched(metric, 'Model', 'Sum'),
    ),
    searched('Refusals', 'Code', 'Sum'),
    searched('GroqRequestsFreePercent', 'Model', 'Minimum'),
    searched('GroqTokensFreePercent', 'Model', 'Minimum'),
  ]);
  const text = JSON.stringify(widgets);
  for (const metric of [METRIC.spentUsd, METRIC.gatewayMs, METRIC.upstreamMs, METRIC.timeToFirstTokenMs])
    expect(text).toContain(`"GroqGateway","${metric}","Environment","test"`);
  for (const percentile of ['p50', 'p95', 'p99']) expect(text).toContain(`"stat":"${percentile}"`);
  expect(widgets.find(({ type }) => type === 'log')?.properties.query).toMatch(/by Team, groqKeyId/);
});

it('has no overlapping widgets', () => {
  const cells = widgets.flatMap(({ x, y, width, height }) =>
    Array.from({ length: width * height }, (_, n) => `${x + (n % width)},${y + Math.floor(n / width)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(Math.max(...widgets.map(({ x, width }) => x + width))).toBe(24);
});

it("has the same size with 300 teams as with one, far below CloudWatch's limits", () => {
  const team = { allowedModels: ['openai/gpt-oss-20b'] };
  const teams = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`team-${n}`, team]));
  const many = readWidgets(Template.fromStack(buildStack({ teams })));
  expect(many).toEqual(widgets);
  expect(many.length).toBeLessThan(MAX_WIDGETS);
  expect(many.flatMap(({ properties }) => properties.metrics ?? []).length).toBeLessThan(MAX_METRICS);
}, 120_000);

it('exists unless the environment disables it, and contains the weekly table', () => {
  synthesizeTemplate({ deployment: { dashboard: false } }).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  const stack = new Stack(new App(), 'Own');
  const widget = LambdaFunction.fromFunctionArn(stack, 'Widget', 'arn:aws:lambda:eu-central-1:111111111111:function:w');
  const gateway = { logGroup: { logGroupName: 'log' } } as GatewayFunction;
  new GatewayDashboard(stack, 'Page', { environmentName: 'test', gateway, widget });
  expect(readWidgets(Template.fromStack(stack)).filter(({ type }) => type === 'custom')).toMatchObject([
    { properties: { endpoint: 'arn:aws:lambda:eu-central-1:111111111111:function:w' } },
  ]);
});
