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

/** Who announces alerts, and who is told. */
export type BudgetAlertsProps = {
  readonly environmentName: string;
  readonly settings: AlertThresholds;
  /** The functions that see what budgets stand at. */
  readonly alertPublishers: readonly GatewayFunction[];
  readonly usage: GatewayTable;
  readonly topic: ITopic;
  /** Passes alerts on to a webhook. @default none */
  readonly webhook?: GatewayFunction | undefined;
  /** Where alerts end that reached nobody. */
  readonly undelivered: Queue;
};

/** For how long an alert is tried to be passed on: later it would be news of yesterday. */
const ALERT_MAX_AGE = Duration.hours(6);

/** The message of an alert for people: the text that it has of itself. */
export const ALERT_MESSAGE = RuleTargetInput.fromText(EventField.fromPath('$.detail.text'));

/** What events a rule wants: the alerts of an environment, or of one holder in it. */
export function alertEventPattern(environmentName: string, holder?: string) {
  const { source, detailType } = ALERT_EVENT;
  const of = holder === undefined ? {} : { holder: [holder] };
  return { source: [source], detailType: [detailType], detail: { environment: [environmentName], ...of } };
}

/** Lets functions announce what budgets cross, and brings it to the operators' topic and to a webhook. */
export class BudgetAlerts extends Construct {
  constructor(scope: Construct, id: string, props: BudgetAlertsProps) {
    super(scope, id);
    for (const alertPublisher of props.alertPublishers) this.#grantPublishAlerts(alertPublisher, props);
    const { environmentName, topic, webhook, undelivered } = props;
    const bounds = { deadLetterQueue: undelivered, maxEventAge: ALERT_MAX_AGE };
    const rule = new Rule(this, 'AlertRule', {
      description: `Brings budget alerts of ${environmentName} to people`,
      eventPattern: alertEventPattern(environmentName),
      targets: [new SnsTopic(topic, { message: ALERT_MESSAGE, ...bounds })],
    });
    if (webhook === undefined) return;
    rule.addTarget(new LambdaFunction(webhook.function, bounds));
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
