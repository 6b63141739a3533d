import { Duration } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { MetricName } from '../../lambda/telemetry/metrics.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { ALARM_PERIOD, gatewayMetric } from './gateway-metric.ts';

/** Resources that alarms watch. */
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
  /** Undefined if no service's key is rotated. */
  readonly rotation: GatewayFunction | undefined;
  readonly groqRotation: GatewayFunction;
  /** Stream records that the projector could not count. */
  readonly deadLetters: Queue;
  readonly undeliveredAlerts: Queue;
  readonly ledger: GatewayTable;
  readonly registry: GatewayTable;
};

/** Name and texts of an alarm. `what` is part of its name, and its section in docs/operations.md. */
export type AlarmText = { readonly what: string; readonly meaning: string; readonly remedy: string };

/** An alarm, which goes off when its metric reaches the threshold. */
export type AlarmEntry = AlarmText & {
  /** Returns undefined if an environment does not have the resource. */
  readonly metric: (resources: MonitoredResources) => IMetric | undefined;
  readonly threshold: number;
};

/** Sum over a period of alarms. */
export const SUM = { period: ALARM_PERIOD, statistic: Stats.SUM };
/** Maximum over a period of alarms. */
export const MAXIMUM = { period: ALARM_PERIOD, statistic: Stats.MAXIMUM };
/** Period of metrics that are reported only twice a day. */
export const DAILY_PERIOD = Duration.days(1);
/** The smallest amount of money. */
export const PICO_DOLLAR_USD = 1e-12;

/** Name of an alarm: `groq-gateway-<environment>-<what>`, with qualifiers such as a team or a threshold. */
export function alarmName(environmentName: string, what: string, ...qualifiers: readonly string[]): string {
  return ['groq-gateway', environmentName, what, ...qualifiers].join('-');
}

/** Description of an alarm: its meaning, remedy and runbook section. */
export function alarmDescription({ what, meaning, remedy }: AlarmText): string {
  return `${meaning} ${remedy} Runbook: docs/operations.md#${what}`;
}

/** Selects one of the gateway's own metrics. */
export function ownMetric(metric: MetricName, statistic: string = Stats.SUM): AlarmEntry['metric'] {
  return ({ environmentName }) => gatewayMetric(environmentName, metric, statistic);
}

/** Selects the errors of a function. */
export function functionErrors(
  name: 'gateway' | 'admin' | 'projector' | 'retirement' | 'reporter' | 'rotation' | 'groqRotation',
): AlarmEntry['metric'] {
  return (resources) => resources[name]?.function.metricErrors(SUM);
}

/** Selects the throttles of a function. */
export function functionThrottles(name: 'gateway' | 'authorizer'): AlarmEntry['metric'] {
  return (resources) => resources[name].function.metricThrottles(SUM);
}

/** Selects the number of messages in a queue. */
export function queuedMessages(queue: 'deadLetters' | 'undeliveredAlerts'): AlarmEntry['metric'] {
  return (resources) => resources[queue].metricApproximateNumberOfMessagesVisible(MAXIMUM);
}
