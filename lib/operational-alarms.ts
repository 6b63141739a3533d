import { Duration, Stack } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Alarm, ComparisonOperator, type IMetric, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENV } from '../lambda/contract.ts';
import { METRIC, METRICS_NAMESPACE } from '../lambda/core/metrics.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayTable } from './gateway-table.ts';

/** What is watched, and who is told. */
export type OperationalAlarmsProps = {
  readonly environmentName: string;
  readonly api: RestApi;
  readonly authorizer: GatewayFunction;
  readonly gateway: GatewayFunction;
  readonly admin: GatewayFunction;
  readonly sweeper: GatewayFunction;
  readonly projector: GatewayFunction;
  readonly retirement: GatewayFunction;
  readonly reporter: GatewayFunction;
  /** Only where keys of services are rotated. */
  readonly rotation: GatewayFunction | undefined;
  /** What the projector could not count. */
  readonly deadLetters: Queue;
  readonly ledger: GatewayTable;
  readonly registry: GatewayTable;
  readonly operators: readonly string[];
};

const PERIOD = Duration.minutes(5);
/** How far usage may be behind the ledger, in milliseconds: a retry or two are no reason to wake anyone. */
const MOST_LAG_MS = 600_000;
/** Unknown, revoked or expired keys in a period: more than a service or two that were not told of a rotation. */
const MANY_UNKNOWN_KEYS = 300;
/** The least that can be overspent. */
const PICO_DOLLAR_USD = 1e-12;

/** What can go wrong with the gateway itself. Each alarm has a section of its name in docs/operations.md. */
export class OperationalAlarms extends Construct {
  readonly topic: Topic;
  readonly #environmentName: string;

  constructor(scope: Construct, id: string, props: OperationalAlarmsProps) {
    super(scope, id);
    const { api, authorizer, gateway, admin, sweeper, projector, retirement, deadLetters, ledger, registry } = props;
    this.#environmentName = props.environmentName;
    this.topic = new Topic(this, 'Topic', { displayName: `Groq gateway ${props.environmentName}`, enforceSSL: true });
    // A topic with a policy of its own no longer lets the account's alarms publish unasked.
    this.topic.grantPublish(
      new ServicePrincipal('cloudwatch.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    for (const operator of props.operators) this.topic.addSubscription(new EmailSubscription(operator));
    const sum = { period: PERIOD, statistic: Stats.SUM };
    this.#add('api-5xx', "Clients got a fault of the gateway's or API Gateway's own.", api.metricServerError(sum), 5);
    this.#add('gateway-errors', 'The gateway function failed.', gateway.function.metricErrors(sum), 1);
    this.#add('gateway-throttles', 'Lambda had no room for requests.', gateway.function.metricThrottles(sum), 1);
    this.#add('admin-errors', 'Keys could not be administered.', admin.function.metricErrors(sum), 1);
    this.#add(
      'sweeper-errors',
      'Reservations past their time were not expired.',
      sweeper.function.metricErrors(sum),
      2,
    );
    const own = (metricName: string, statistic: string) =>
      new Metric({
        namespace: METRICS_NAMESPACE,
        metricName,
        dimensionsMap: { Environment: props.environmentName },
        period: PERIOD,
        statistic,
      });
    this.#add(
      'overrun',
      'A call cost more than its bound: a budget can be overspent.',
      own(METRIC.overrunUsd, Stats.MAXIMUM),
      PICO_DOLLAR_USD,
    );
    this.#add(
      'projector-errors',
      'Usage was not counted, and is tried again.',
      projector.function.metricErrors(sum),
      3,
    );
    const maximum = { period: PERIOD, statistic: Stats.MAXIMUM };
    this.#add(
      'projection-lag',
      'Usage is behind the ledger by ten minutes or more.',
      projector.function.metric('IteratorAge', maximum),
      MOST_LAG_MS,
    );
    this.#add(
      'usage-dead-letters',
      'Calls are missing in the usage.',
      deadLetters.metricApproximateNumberOfMessagesVisible(maximum),
      1,
    );
    // Not the function's own errors: API Gateway wants one for each key that is refused.
    this.#add('authorizer-errors', 'Keys could not be checked.', own(METRIC.keyCheckFaults, Stats.SUM), 5);
    this.#add('authorizer-throttles', 'Lambda had no room to check keys.', authorizer.function.metricThrottles(sum), 1);
    this.#add('unknown-keys', 'Somebody tries keys.', own(METRIC.unknownKeys, Stats.SUM), MANY_UNKNOWN_KEYS);
    this.#add(
      'retirement-errors',
      'Replaced keys were not retired, or nobody was told.',
      retirement.function.metricErrors(sum),
      1,
    );
    this.#add(
      'weekly-report-errors',
      'The report of a week was not made, or nobody was told of it.',
      props.reporter.function.metricErrors(sum),
      1,
    );
    if (props.rotation !== undefined)
      this.#add(
        'rotation-errors',
        "A team's service key was not rotated.",
        props.rotation.function.metricErrors(sum),
        1,
      );
    this.#add(
      'ledger-throttles',
      "The ledger's table refused writes.",
      ledger.table.metricThrottledRequestsForOperation('UpdateItem', sum),
      1,
    );
    this.#add(
      'registry-throttles',
      "The registry's table refused reads.",
      registry.table.metricThrottledRequestsForOperation('GetItem', sum),
      1,
    );
  }

  /** Lets a function tell the operators itself, by the topic that alarms go to. */
  letTell(teller: GatewayFunction): void {
    this.topic.grantPublish(teller.role);
    teller.function.addEnvironment(ENV.operatorsTopic, this.topic.topicArn);
  }

  /** The one place that names alarms: `groq-gateway-<environment>-<what>`. */
  #add(what: string, meaning: string, metric: IMetric, threshold: number): void {
    const alarm = new Alarm(this, what, {
      alarmName: `groq-gateway-${this.#environmentName}-${what}`,
      alarmDescription: `${meaning} Runbook: docs/operations.md#${what}`,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }
}
