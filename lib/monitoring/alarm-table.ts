import { Duration } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { type IMetric, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { DIMENSION, METRIC, METRICS_NAMESPACE, type MetricName } from '../../lambda/telemetry/metrics.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';

/** What can be watched. */
export type MonitoredResources = {
  readonly environmentName: string;
  readonly api: RestApi;
  readonly authorizer: GatewayFunction;
  readonly gateway: GatewayFunction;
  readonly admin: GatewayFunction;
  readonly sweeper: GatewayFunction;
  readonly projector: GatewayFunction;
  readonly reconciler: GatewayFunction;
  readonly reporter: GatewayFunction;
  readonly retirement: GatewayFunction;
  /** Only where keys of services are rotated. */
  readonly rotation: GatewayFunction | undefined;
  readonly groqRotation: GatewayFunction;
  /** What the projector could not count. */
  readonly deadLetters: Queue;
  /** Alerts that reached nobody. */
  readonly undeliveredAlerts: Queue;
  readonly ledger: GatewayTable;
  readonly registry: GatewayTable;
};

/** What an alarm says, apart from what it watches. `what` is also its section in docs/operations.md. */
export type AlarmText = { readonly what: string; readonly meaning: string; readonly remedy: string };

/** An alarm: it fires from the threshold on. */
export type AlarmEntry = AlarmText & {
  /** Undefined where an environment has nothing of the kind. */
  readonly metric: (watched: MonitoredResources) => IMetric | undefined;
  readonly threshold: number;
};

/** Over how long every alarm looks: as often as the sweep runs. */
export const ALARM_PERIOD = Duration.minutes(5);
/** What is told only twice a day is looked at over one. */
const DAILY_PERIOD = Duration.days(1);
/** Three sweeps, of which each is tried once: within one period of the others there is a single one to fail. */
const SWEEPER_ALARM_PERIOD = Duration.minutes(15);
const SUM = { period: ALARM_PERIOD, statistic: Stats.SUM };
const MAXIMUM = { period: ALARM_PERIOD, statistic: Stats.MAXIMUM };
/** How far usage may be behind the ledger, in milliseconds: a retry or two are no reason to wake anyone. */
const MAX_LAG_MS = 600_000;
/** Unknown, revoked or expired keys in a period: more than a service or two that were not told of a rotation. */
const UNKNOWN_KEYS_THRESHOLD = 300;
/** The least that can be overspent. */
const PICO_DOLLAR_USD = 1e-12;
/** Calls of a month whose outcome never came, in dollars: more than a few killed functions leave. */
const ASSUMED_SPEND_THRESHOLD_USD = 5;

/** One of the gateway's own metrics, of an environment or of one holder's part of it. */
export function gatewayMetric(
  environmentName: string,
  metricName: MetricName,
  statistic: string,
  holder?: string,
): Metric {
  const team = holder === undefined ? {} : { [DIMENSION.team]: holder };
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { [DIMENSION.environment]: environmentName, ...team },
    period: ALARM_PERIOD,
    statistic,
  });
}

/** The one place that names alarms: `groq-gateway-<environment>-<what>`, and of what where there are several. */
export function alarmName(environmentName: string, what: string, ...of: readonly string[]): string {
  return ['groq-gateway', environmentName, what, ...of].join('-');
}

/** What the description of every alarm says. */
export function alarmDescription({ what, meaning, remedy }: AlarmText): string {
  return `${meaning} ${remedy} Runbook: docs/operations.md#${what}`;
}

const gatewayMetricSource =
  (metric: MetricName, statistic: string = Stats.SUM) =>
  ({ environmentName }: MonitoredResources) =>
    gatewayMetric(environmentName, metric, statistic);
const functionErrors =
  (part: 'gateway' | 'admin' | 'projector' | 'retirement' | 'reporter' | 'rotation' | 'groqRotation') =>
  (of: MonitoredResources) =>
    of[part]?.function.metricErrors(SUM);
const functionThrottles = (part: 'gateway' | 'authorizer') => (of: MonitoredResources) =>
  of[part].function.metricThrottles(SUM);
const queuedMessages = (queue: 'deadLetters' | 'undeliveredAlerts') => (of: MonitoredResources) =>
  of[queue].metricApproximateNumberOfMessagesVisible(MAXIMUM);

function entry(
  what: string,
  threshold: number,
  metric: AlarmEntry['metric'],
  meaning: string,
  remedy: string,
): AlarmEntry {
  return { what, threshold, metric, meaning, remedy };
}

/** What can go wrong with the gateway itself. */
export const OPERATIONAL_ALARMS: readonly AlarmEntry[] = [
  entry(
    'api-5xx',
    5,
    ({ api }) => api.metricServerError(SUM),
    "Clients got a fault of the gateway's or API Gateway's own.",
    'Look at the access log by error and team.',
  ),
  entry(
    'gateway-errors',
    1,
    functionErrors('gateway'),
    'The gateway function failed.',
    'Look at its log and last deployment.',
  ),
  entry(
    'gateway-throttles',
    1,
    functionThrottles('gateway'),
    'Lambda had no room for requests.',
    "Raise the account's concurrency, or lower a team's rate.",
  ),
  entry('admin-errors', 1, functionErrors('admin'), 'Keys could not be administered.', 'Use groq-rbac keys meanwhile.'),
  entry(
    'sweeper-errors',
    2,
    ({ sweeper }) => sweeper.function.metricErrors({ ...SUM, period: SWEEPER_ALARM_PERIOD }),
    'Reservations past their time were not expired, or budgets and alerts not told.',
    'Look at its log.',
  ),
  entry(
    'overrun',
    PICO_DOLLAR_USD,
    gatewayMetricSource(METRIC.overrunUsd, Stats.MAXIMUM),
    'A call cost more than its bound: a budget can be overspent.',
    'Take the model out of allowedModels or correct its price.',
  ),
  entry(
    'assumed-spend',
    ASSUMED_SPEND_THRESHOLD_USD,
    gatewayMetricSource(METRIC.assumedUsd, Stats.MAXIMUM),
    `Calls whose outcome never came were counted at $${ASSUMED_SPEND_THRESHOLD_USD} or more this month.`,
    "Look for what kills functions or cuts answers; compare with Groq's bill.",
  ),
  entry(
    'zero-cost-success',
    1,
    gatewayMetricSource(METRIC.zeroCostSuccesses),
    'Groq answered and told of no usage.',
    'Look at the model: its calls are counted at their bound.',
  ),
  entry(
    'groq-key-refused',
    1,
    gatewayMetricSource(METRIC.groqKeysRefused),
    "Groq refused a team's key (401).",
    "Look in the gateway's log for which; put a valid one into the secret.",
  ),
  entry(
    'groq-blocked',
    1,
    gatewayMetricSource(METRIC.groqBlocked),
    "Groq's own spend limit blocks every team.",
    "Raise it in Groq's console.",
  ),
  entry(
    'projector-errors',
    3,
    functionErrors('projector'),
    'Usage was not counted, and is tried again.',
    'Look at its log.',
  ),
  entry(
    'projection-lag',
    MAX_LAG_MS,
    ({ projector }) => projector.function.metric('IteratorAge', MAXIMUM),
    'Usage is behind the ledger by ten minutes or more.',
    'Look at projector-errors and the event source.',
  ),
  entry('usage-dead-letters', 1, queuedMessages('deadLetters'), 'Calls are missing in the usage.', 'Read the message.'),
  entry(
    'usage-gap',
    PICO_DOLLAR_USD,
    // It is told twice a day, and holds until it is told that there is none.
    ({ environmentName }) =>
      gatewayMetric(environmentName, METRIC.usageGapUsd, Stats.MAXIMUM).with({ period: DAILY_PERIOD }),
    'Usage is not what the ledgers have spent.',
    'Run groq-rbac usage rebuild.',
  ),
  entry(
    'reconciler-errors',
    2,
    ({ reconciler }) => reconciler.function.metricErrors({ ...SUM, period: DAILY_PERIOD }),
    'Usage was not compared with the ledgers.',
    'Look at its log.',
  ),
  entry(
    'alert-dead-letters',
    1,
    queuedMessages('undeliveredAlerts'),
    "A budget's alert did not reach the operators' topic or the webhook.",
    'Read the message: it is the alert. Correct what refused it.',
  ),
  // Not the function's own errors: API Gateway wants one for each key that is refused.
  entry(
    'authorizer-errors',
    5,
    gatewayMetricSource(METRIC.keyCheckFaults),
    'Keys could not be checked.',
    "Look at the authorizer's log and the registry.",
  ),
  entry(
    'authorizer-throttles',
    1,
    functionThrottles('authorizer'),
    'Lambda had no room to check keys.',
    "Raise the account's concurrency.",
  ),
  entry(
    'unknown-keys',
    UNKNOWN_KEYS_THRESHOLD,
    gatewayMetricSource(METRIC.unknownKeys),
    'Somebody tries keys.',
    'Look at where from.',
  ),
  entry(
    'retirement-errors',
    1,
    functionErrors('retirement'),
    'Replaced keys were not retired, or nobody was told.',
    'Look at its log.',
  ),
  entry(
    'weekly-report-errors',
    1,
    functionErrors('reporter'),
    'The report of last week was not made, or nobody was told of it.',
    'Look at its log; invoke it again.',
  ),
  entry('rotation-errors', 1, functionErrors('rotation'), "A team's service key was not rotated.", 'Look at its log.'),
  entry(
    'groq-key-rotation-errors',
    1,
    functionErrors('groqRotation'),
    "A team's Groq key was not rotated, watched or retired; the current one stays.",
    'Look at its log.',
  ),
  entry(
    'staged-key-missing',
    1,
    gatewayMetricSource(METRIC.stagedKeysMissing),
    'A Groq key is to be rotated, and the queue of its team is empty.',
    'Stage one: groq-rbac groq-key stage.',
  ),
  entry(
    'catalog-differences',
    1,
    ({ environmentName }) =>
      gatewayMetric(environmentName, METRIC.catalogDifferences, Stats.MAXIMUM).with({ period: DAILY_PERIOD }),
    "The catalog of models is not what Groq's own list says.",
    'Run groq-rbac catalog diff and correct config/catalog.json.',
  ),
  entry(
    'groq-key-missing',
    1,
    gatewayMetricSource(METRIC.groqKeysMissing),
    'Calls of a team were refused for want of a Groq key.',
    'Set one: groq-rbac groq-key set.',
  ),
  entry(
    'ledger-throttles',
    1,
    ({ ledger }) => ledger.table.metricThrottledRequestsForOperation('UpdateItem', SUM),
    "The ledger's table refused writes.",
    'Look at which team sends so much.',
  ),
  entry(
    'registry-throttles',
    1,
    ({ registry }) => registry.table.metricThrottledRequestsForOperation('GetItem', SUM),
    "The registry's table refused reads.",
    'Look at whether someone tries keys.',
  ),
];

/** What is said of budgets; at what they fire is the environment's to say. */
export const BUDGET_ALARMS = {
  team: {
    what: 'team-budget',
    meaning: 'A team has spent this share of its budget.',
    remedy: 'See what on, and top up, pause or leave it.',
  },
  organization: {
    what: 'organization-budget',
    meaning: "All teams together have spent this share of the organisation's cap.",
    remedy: 'See which team, and top up, pause or leave it.',
  },
  amount: {
    what: 'organization-spend',
    meaning: 'All teams together have spent this amount this month.',
    remedy: 'See which team, and whether it was planned.',
  },
} as const satisfies Record<string, AlarmText>;
