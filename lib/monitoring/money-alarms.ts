import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { METRIC } from '../../lambda/telemetry/metrics.ts';
import {
  type AlarmEntry,
  DAILY_PERIOD,
  functionErrors,
  MAXIMUM,
  ownMetric,
  PICO_DOLLAR_USD,
  queuedMessages,
  SUM,
} from './alarm-entry.ts';
import { gatewayMetric } from './gateway-metric.ts';

/** Three sweeps, which are not retried: a period of five minutes would contain only one. */
const SWEEPER_ALARM_PERIOD = Duration.minutes(15);
/** Acceptable lag of usage behind the ledger, in milliseconds; a few retries should not wake anyone. */
const MAX_LAG_MS = 600_000;
/** Assumed spending per month, in dollars: more than a few killed functions cause. */
const ASSUMED_SPEND_THRESHOLD_USD = 5;

/** Alarms of spending, usage, alerts and reports. */
export const MONEY_ALARMS: readonly AlarmEntry[] = [
  {
    what: 'sweeper-errors',
    threshold: 2,
    metric: ({ sweeper }) => sweeper.function.metricErrors({ ...SUM, period: SWEEPER_ALARM_PERIOD }),
    meaning: 'The sweep failed: reservations did not expire, or budgets and alerts were not reported.',
    remedy: 'Check its log.',
  },
  {
    what: 'overrun',
    threshold: PICO_DOLLAR_USD,
    metric: ownMetric(METRIC.overrunUsd, Stats.MAXIMUM),
    meaning: 'A call cost more than its maximum: a budget can be overspent.',
    remedy: 'Remove the model from allowedModels or correct its price.',
  },
  {
    what: 'assumed-spend',
    threshold: ASSUMED_SPEND_THRESHOLD_USD,
    metric: ownMetric(METRIC.assumedUsd, Stats.MAXIMUM),
    meaning: `Calls with an unknown outcome were charged $${ASSUMED_SPEND_THRESHOLD_USD} or more this month.`,
    remedy: "Find out what kills functions or cuts responses; compare with Groq's bill.",
  },
  {
    what: 'zero-cost-success',
    threshold: 1,
    metric: ownMetric(METRIC.zeroCostSuccesses),
    meaning: 'A response from Groq had no usage.',
    remedy: 'Check the model: its calls are charged their maximum cost.',
  },
  {
    what: 'projector-errors',
    threshold: 3,
    metric: functionErrors('projector'),
    meaning: 'Usage was not counted; Lambda retries.',
    remedy: 'Check its log.',
  },
  {
    what: 'projection-lag',
    threshold: MAX_LAG_MS,
    metric: ({ projector }) => projector.function.metric('IteratorAge', MAXIMUM),
    meaning: 'Usage is ten minutes or more behind the ledger.',
    remedy: 'Check projector-errors and the event source.',
  },
  {
    what: 'usage-dead-letters',
    threshold: 1,
    metric: queuedMessages('deadLetters'),
    meaning: 'Calls are missing in usage.',
    remedy: 'Read the message.',
  },
  {
    what: 'usage-gap',
    threshold: PICO_DOLLAR_USD,
    metric: ({ environmentName }) =>
      gatewayMetric(environmentName, METRIC.usageGapUsd, Stats.MAXIMUM).with({ period: DAILY_PERIOD }),
    meaning: 'Usage does not match the spending of the ledgers.',
    remedy: 'Run groq-rbac usage rebuild.',
  },
  {
    what: 'reconciler-errors',
    threshold: 2,
    metric: ({ reconciler }) => reconciler.function.metricErrors({ ...SUM, period: DAILY_PERIOD }),
    meaning: 'Usage was not compared with the ledgers.',
    remedy: 'Check its log.',
  },
  {
    what: 'alert-dead-letters',
    threshold: 1,
    metric: queuedMessages('undeliveredAlerts'),
    meaning: "A budget alert did not reach the operators' topic or the webhook.",
    remedy: 'Read the message, which is the alert, and fix what rejected it.',
  },
  {
    what: 'weekly-report-errors',
    threshold: 1,
    metric: functionErrors('reporter'),
    meaning: "Last week's report was not written, or its notification was not sent.",
    remedy: 'Check its log and invoke it again.',
  },
];
