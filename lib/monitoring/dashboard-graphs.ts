import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type GraphWidgetProps, type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ORGANIZATION } from '../../lambda/contract.ts';
import {
  DIMENSION,
  type DimensionName,
  METRIC,
  METRICS_NAMESPACE,
  type MetricName,
} from '../../lambda/telemetry/metrics.ts';
import { gatewayMetric } from './gateway-metric.ts';

/** Width of a dashboard in CloudWatch's grid. */
export const DASHBOARD_WIDTH = 24;
/** Height of a widget in CloudWatch's grid. */
export const WIDGET_HEIGHT = 7;
const PERIOD = Duration.minutes(5);
/** Maximum lines per graph, so that they remain distinguishable. */
const MAX_SERIES = 20;

/** The rows of graphs on an environment's dashboard. */
export function dashboardGraphs(environmentName: string): readonly IWidget[][] {
  return [
    [budgetGraph(environmentName), spendingGraph(environmentName)],
    [tokenGraph(environmentName), refusalGraph(environmentName)],
    [latencyGraph(environmentName), headroomGraph(environmentName)],
  ];
}

function budgetGraph(environmentName: string): IWidget {
  return graph('Budget used, highest teams (%)', {
    left: [searchMetric(environmentName, METRIC.budgetUsedPercent, DIMENSION.team, Stats.MAXIMUM)],
    leftAnnotations: [{ value: 100, label: 'calls are refused' }],
  });
}

function spendingGraph(environmentName: string): IWidget {
  const spent = gatewayMetric(environmentName, METRIC.spentUsd, Stats.MAXIMUM);
  const projected = gatewayMetric(environmentName, METRIC.projectedMonthEndUsd, Stats.MAXIMUM, ORGANIZATION);
  const teams = `NOT Team="${ORGANIZATION}"`;
  return graph('All teams: spending, and projected spending at the end of the month ($)', {
    left: [
      spent.with({ label: 'spent this month' }),
      projected.with({ label: 'projected, all teams' }),
      searchMetric(environmentName, METRIC.projectedMonthEndUsd, DIMENSION.team, Stats.MAXIMUM, teams),
    ],
  });
}

function tokenGraph(environmentName: string): IWidget {
  const metrics = [METRIC.promptTokens, METRIC.cachedTokens, METRIC.completionTokens, METRIC.reasoningTokens];
  return graph('Tokens by model', {
    left: metrics.map((metric) => searchMetric(environmentName, metric, DIMENSION.model, Stats.SUM)),
    stacked: false,
  });
}

function refusalGraph(environmentName: string): IWidget {
  return graph('Refusals by reason', {
    left: [searchMetric(environmentName, METRIC.refusals, DIMENSION.code, Stats.SUM)],
    stacked: true,
  });
}

function latencyGraph(environmentName: string): IWidget {
  const parts = [
    { metric: METRIC.gatewayMs, label: 'gateway' },
    { metric: METRIC.upstreamMs, label: 'Groq' },
    { metric: METRIC.timeToFirstTokenMs, label: 'first token' },
  ];
  const left = parts.flatMap(({ metric, label }) =>
    ['p50', 'p95', 'p99'].map((percentile) =>
      gatewayMetric(environmentName, metric, percentile).with({ label: `${label}, ${percentile}` }),
    ),
  );
  return graph('Latency (ms)', { left });
}

function headroomGraph(environmentName: string): IWidget {
  const metrics = [METRIC.groqRequestsFreePercent, METRIC.groqTokensFreePercent];
  return graph("Remaining share of Groq's own limits, by model (%)", {
    left: metrics.map((metric) => searchMetric(environmentName, metric, DIMENSION.model, Stats.MINIMUM)),
  });
}

function graph(title: string, props: Omit<GraphWidgetProps, 'title' | 'width' | 'height'>): IWidget {
  const leftYAxis = { min: 0, showUnits: false };
  return new GraphWidget({ title, width: DASHBOARD_WIDTH / 2, height: WIDGET_HEIGHT, leftYAxis, ...props });
}

/** The largest series of a metric, one per value of a dimension. A search finds new values, such as a new team's, at once. */
function searchMetric(
  environmentName: string,
  metric: MetricName,
  dimension: DimensionName,
  statistic: string,
  filter = '',
): MathExpression {
  const schema = `{${METRICS_NAMESPACE},${DIMENSION.environment},${dimension}}`;
  const terms = [`MetricName="${metric}"`, `${DIMENSION.environment}="${environmentName}"`, filter];
  const query = [schema, ...terms.filter((term) => term !== '')].join(' ');
  const search = `SEARCH('${query}', '${statistic}', ${PERIOD.toSeconds()})`;
  const expression = `SORT(${search}, MAX, DESC, ${MAX_SERIES})`;
  return new MathExpression({ expression, label: '', period: PERIOD, usingMetrics: {} });
}
