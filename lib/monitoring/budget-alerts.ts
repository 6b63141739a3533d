import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { AlertThresholds } from '../../lambda/alerts/crossings.ts';
import { ALERT_EVENT, ENV } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { EVENT_BUS, grantPutEvents } from './event-bus.ts';

/** Props of {@link BudgetAlerts}. */
export type BudgetAlertsProps = {
  readonly environmentName: string;
  readonly settings: AlertThresholds;
  /** The functions that detect crossed thresholds. */
  readonly alertPublishers: readonly GatewayFunction[];
  readonly usage: GatewayTable;
  readonly topic: ITopic;
  /** The function that forwards alerts to a webhook. @default none */
  readonly webhook?: GatewayFunction | undefined;
  /** Dead-letter queue of alerts. */
  readonly undelivered: Queue;
};

/** Maximum age of an alert in delivery; an older one is no longer useful. */
const ALERT_MAX_AGE = Duration.hours(6);

/** The message of an alert, which is its `text`. */
export const ALERT_MESSAGE = RuleTargetInput.fromText(EventField.fromPath('$.detail.text'));

/** Event pattern of an environment's alerts, or of those of one holder. */
export function alertEventPattern(environmentName: string, holder?: string) {
  const { source, detailType } = ALERT_EVENT;
  const holderPattern = holder === undefined ? {} : { holder: [holder] };
  return { source: [source], detailType: [detailType], detail: { environment: [environmentName], ...holderPattern } };
}

/** Lets functions publish budget alerts, and delivers these to the operators' topic and to a webhook. */
export class BudgetAlerts extends Construct {
  constructor(scope: Construct, id: string, props: BudgetAlertsProps) {
    super(scope, id);
    for (const alertPublisher of props.alertPublishers) this.#grantPublishAlerts(alertPublisher, props);
    const { environmentName, topic, webhook, undelivered } = props;
    const delivery = { deadLetterQueue: undelivered, maxEventAge: ALERT_MAX_AGE };
    const rule = new Rule(this, 'AlertRule', {
      description: `Delivers budget alerts of ${environmentName} to operators`,
      eventPattern: alertEventPattern(environmentName),
      targets: [new SnsTopic(topic, { message: ALERT_MESSAGE, ...delivery })],
    });
    if (webhook === undefined) return;
    rule.addTarget(new LambdaFunction(webhook.function, delivery));
    const retries = new EventInvokeConfig(this, 'WebhookRetries', {
      function: webhook.function,
      retryAttempts: 2,
      maxEventAge: ALERT_MAX_AGE,
      onFailure: new SqsDestination(undelivered),
    });
    retries.node.addDependency(webhook.role);
  }

  #grantPublishAlerts(alertPublisher: GatewayFunction, { usage, settings }: BudgetAlertsProps): void {
    usage.grantItems(alertPublisher, ['Query', 'UpdateItem'], ['ALERTS#*']);
    usage.grantItems(alertPublisher, ['Query'], ['TEAM#*']);
    grantPutEvents(alertPublisher, ALERT_EVENT);
    alertPublisher.function.addEnvironment(ENV.alertPercents, settings.percents.join(','));
    alertPublisher.function.addEnvironment(ENV.alertUsd, settings.usd.join(','));
    alertPublisher.function.addEnvironment(ENV.eventBus, EVENT_BUS);
  }
}
