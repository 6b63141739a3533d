import { Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { ENV } from '../../lambda/contract.ts';
import type { GatewayFunction } from '../gateway-function.ts';
import type { MonitoredResources } from './alarm-entry.ts';
import { OPERATIONAL_ALARMS } from './alarm-table.ts';
import { GatewayAlarm } from './gateway-alarm.ts';

/** Props of {@link OperationalAlarms}: the monitored resources and the operators' e-mail addresses. */
export type OperationalAlarmsProps = MonitoredResources & { readonly operators: readonly string[] };

/** The alarms of the gateway itself, and the topic that notifies its operators. */
export class OperationalAlarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: OperationalAlarmsProps) {
    super(scope, id);
    const { environmentName } = props;
    this.topic = new Topic(this, 'Topic', { displayName: `Groq gateway ${environmentName}`, enforceSSL: true });
    // With a policy of its own, a topic no longer accepts the account's alarms by default.
    this.topic.grantPublish(
      new ServicePrincipal('cloudwatch.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    for (const operator of props.operators) this.topic.addSubscription(new EmailSubscription(operator));
    for (const alarm of OPERATIONAL_ALARMS) {
      const metric = alarm.metric(props);
      if (metric === undefined) continue;
      const { threshold } = alarm;
      new GatewayAlarm(this, alarm.what, { environmentName, alarm, metric, threshold, topic: this.topic });
    }
  }

  /** Lets a function publish to the operators' topic. */
  grantNotify(notifier: GatewayFunction): void {
    this.topic.grantPublish(notifier.role);
    notifier.function.addEnvironment(ENV.operatorsTopic, this.topic.topicArn);
  }
}
