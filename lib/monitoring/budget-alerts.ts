import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { AlertSettings } from '../../lambda/alerts/crossings.ts';
import { ALERT_EVENT, ENV } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTable } from '../gateway-table.ts';
import { EVENT_BUS, letSendEvents } from './event-bus.ts';

/** Who announces alerts, and who is told. */
export type BudgetAlertsProps = {
  readonly environmentName: string;
  readonly settings: AlertSettings;
  /** The functions that see what budgets stand at. */
  readonly announcers: readonly GatewayFunction[];
  readonly usage: GatewayTable;
  readonly topic: ITopic;
  /** Passes alerts on to a webhook. @default none */
  readonly webhook?: GatewayFunction | undefined;
  /** Where alerts end that reached nobody. */
  readonly untold: Queue;
};

/** For how long an alert is tried to be passed on: later it would be news of yesterday. */
const TELL_WITHIN = Duration.hours(6);

/** The message of an alert for people: the text that it has of itself. */
export const ALERT_TEXT = RuleTargetInput.fromText(EventField.fromPath('$.detail.text'));

/** What events a rule wants: the alerts of an environment, or of one holder in it. */
export function alertPattern(environmentName: string, holder?: string) {
  const { source, detailType } = ALERT_EVENT;
  const of = holder === undefined ? {} : { holder: [holder] };
  return { source: [source], detailType: [detailType], detail: { environment: [environmentName], ...of } };
}

/** Lets functions announce what budgets cross, and brings it to the operators' topic and to a webhook. */
export class BudgetAlerts extends Construct {
  constructor(scope: Construct, id: string, props: BudgetAlertsProps) {
    super(scope, id);
    for (const announcer of props.announcers) this.#letAnnounce(announcer, props);
    const { environmentName, topic, webhook, untold } = props;
    const bounds = { deadLetterQueue: untold, maxEventAge: TELL_WITHIN };
    const rule = new Rule(this, 'Told', {
      description: `Brings budget alerts of ${environmentName} to people`,
      eventPattern: alertPattern(environmentName),
      targets: [new SnsTopic(topic, { message: ALERT_TEXT, ...bounds })],
    });
    if (webhook === undefined) return;
    rule.addTarget(new LambdaFunction(webhook.function, bounds));
    const retries = new EventInvokeConfig(this, 'WebhookRetries', {
      function: webhook.function,
      retryAttempts: 2,
      maxEventAge: TELL_WITHIN,
      onFailure: new SqsDestination(untold),
    });
    retries.node.addDependency(webhook.role);
  }

  #letAnnounce(announcer: GatewayFunction, { usage, settings }: BudgetAlertsProps): void {
    usage.grantItems(announcer, ['Query', 'UpdateItem'], ['ALERTS#*']);
    usage.grantItems(announcer, ['Query'], ['TEAM#*']);
    letSendEvents(announcer, ALERT_EVENT);
    announcer.function.addEnvironment(ENV.alertPercents, settings.percents.join(','));
    announcer.function.addEnvironment(ENV.alertUsd, settings.usd.join(','));
    announcer.function.addEnvironment(ENV.eventBus, EVENT_BUS);
  }
}
