import { Duration } from 'aws-cdk-lib';
import {
  CustomWidget,
  Dashboard,
  GraphWidget,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  PeriodOverride,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ORGANIZATION } from '../../lambda/contract.ts';
import {
  DIMENSION,
  type DimensionName,
  METRIC,
  METRICS_NAMESPACE,
  type MetricName,
} from '../../lambda/telemetry/metrics.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import { gatewayMetric } from './alarm-table.ts';

/** What is shown. */
export type GatewayDashboardProps = {
  readonly environmentName: string;
  /** Whose log tells of Groq's keys. */
  readonly gateway: GatewayFunction;
  /** Draws the table of the week. CloudWatch calls it with the rights of whoever looks, and nobody else may. */
  readonly widget: IFunction;
};

const WIDTH = 24;
const HEIGHT = 7;
const PERIOD = Duration.minutes(5);
/** How many lines a graph has at most: more nobody can tell apart. */
const MAX_SERIES = 20;

/**
 * What an environment spends and how it does, on one page. Series are searched for by what they are of, so the page is
 * as large with 300 teams as with one, and a new team is on it at once.
 */
export class GatewayDashboard extends Construct {
  readonly dashboard: Dashboard;
  readonly #environmentName: string;

  constructor(scope: Construct, id: string, { environmentName, gateway, widget }: GatewayDashboardProps) {
    super(scope, id);
    this.#environmentName = environmentName;
    this.dashboard = new Dashboard(this, 'Page', {
      dashboardName: `groq-gateway-${environmentName}`,
      periodOverride: PeriodOverride.INHERIT,
      defaultInterval: Duration.days(7),
      widgets: [
        [this.#header()],
        [weeklyTable(widget)],
        [this.#spending(), this.#burnRate()],
        [this.#tokens(), this.#refusals()],
        [this.#latency(), this.#headroom()],
        [groqKeys(gateway)],
      ],
    });
  }

  #header(): IWidget {
    const markdown = `Groq gateway **${this.#environmentName}**. Money is exact in \`GET /openai/v1/budget\` and \`/usage\`; graphs are some minutes behind. What an alarm means: docs/operations.md.`;
    return new TextWidget({ markdown, width: WIDTH, height: 1 });
  }

  /** The fullest budgets; CloudWatch draws the line at which a team is refused. */
  #spending(): IWidget {
    return this.#graph('Budget used, the fullest teams (%)', {
      left: [this.#searchMetric(METRIC.budgetUsedPercent, DIMENSION.team, Stats.MAXIMUM)],
      leftAnnotations: [{ value: 100, label: 'refused' }],
    });
  }

  #burnRate(): IWidget {
    const spent = gatewayMetric(this.#environmentName, METRIC.spentUsd, Stats.MAXIMUM).with({
      label: 'spent this month',
    });
    const projected = gatewayMetric(this.#environmentName, METRIC.projectedMonthEndUsd, Stats.MAXIMUM, ORGANIZATION);
    return this.#graph('All teams: spent, and the month’s end at this rate ($)', {
      left: [
        spent,
        projected.with({ label: 'month’s end, all teams' }),
        this.#searchMetric(METRIC.projectedMonthEndUsd, DIMENSION.team, Stats.MAXIMUM, `NOT Team="${ORGANIZATION}"`),
      ],
    });
  }

  #tokens(): IWidget {
    const kinds = [METRIC.promptTokens, METRIC.cachedTokens, METRIC.completionTokens, METRIC.reasoningTokens];
    return this.#graph('Tokens by model', {
      left: kinds.map((metric) => this.#searchMetric(metric, DIMENSION.model, Stats.SUM)),
      stacked: false,
    });
  }

  #refusals(): IWidget {
    return this.#graph('Refusals by reason', {
      left: [this.#searchMetric(METRIC.refusals, DIMENSION.code, Stats.SUM)],
      stacked: true,
    });
  }

  #latency(): IWidget {
    const parts = [
      { metric: METRIC.gatewayMs, label: 'the gateway itself' },
      { metric: METRIC.upstreamMs, label: 'Groq' },
      { metric: METRIC.timeToFirstTokenMs, label: 'first token' },
    ];
    const left = parts.flatMap(({ metric, label }) =>
      ['p50', 'p95', 'p99'].map((share) =>
        gatewayMetric(this.#environmentName, metric, share).with({ label: `${label}, ${share}` }),
      ),
    );
    return this.#graph('Latency (ms)', { left });
  }

  #headroom(): IWidget {
    const limits = [METRIC.groqRequestsFreePercent, METRIC.groqTokensFreePercent];
    return this.#graph("What is free of Groq's own limits, by model (%)", {
      left: limits.map((metric) => this.#searchMetric(metric, DIMENSION.model, Stats.MINIMUM)),
    });
  }

  #graph(
    title: string,
    props: Omit<ConstructorParameters<typeof GraphWidget>[0], 'title' | 'width' | 'height'>,
  ): IWidget {
    return new GraphWidget({
      title,
      width: WIDTH / 2,
      height: HEIGHT,
      leftYAxis: { min: 0, showUnits: false },
      ...props,
    });
  }

  /** The largest series of a metric, one for each value of a dimension, whatever those are. */
  #searchMetric(metric: MetricName, by: DimensionName, statistic: string, more = ''): MathExpression {
    const schema = `{${METRICS_NAMESPACE},${DIMENSION.environment},${by}}`;
    const words = [`MetricName="${metric}"`, `${DIMENSION.environment}="${this.#environmentName}"`, more];
    const query = [schema, ...words.filter((word) => word !== '')].join(' ');
    const found = `SEARCH('${query}', '${statistic}', ${PERIOD.toSeconds()})`;
    return new MathExpression({
      expression: `SORT(${found}, MAX, DESC, ${MAX_SERIES})`,
      label: '',
      period: PERIOD,
      usingMetrics: {},
    });
  }
}

function weeklyTable(widget: IFunction): IWidget {
  return new CustomWidget({
    title: 'The week by team',
    functionArn: widget.functionArn,
    width: WIDTH,
    height: HEIGHT,
    updateOnRefresh: true,
    updateOnTimeRangeChange: true,
  });
}

/** Which versions of teams' Groq keys answer, and since when each does: of the log, since a metric a key would be billed each. */
function groqKeys({ logGroup }: GatewayFunction): IWidget {
  return new LogQueryWidget({
    title: 'Groq keys: which answer, since when and how often',
    logGroupNames: [logGroup.logGroupName],
    view: LogQueryVisualizationType.TABLE,
    width: WIDTH,
    height: HEIGHT,
    queryLines: [
      'filter event = "request" and ispresent(groqKeyId)',
      'stats count(*) as calls, min(@timestamp) as firstSeen, max(@timestamp) as lastSeen by Team, groqKeyId',
      `sort lastSeen desc`,
      `limit 100`,
    ],
  });
}
