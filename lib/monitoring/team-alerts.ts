import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { ALERT_MESSAGE, alertEventPattern } from './budget-alerts.ts';

/** Props of {@link TeamAlerts}. */
export type TeamAlertsProps = {
  readonly environmentName: string;
  readonly policy: Pick<TeamPolicy, 'team' | 'alertRecipients'>;
};

/** E-mails a team's budget alerts to the recipients in its policy. Each recipient must confirm the subscription once. */
export class TeamAlerts extends Construct {
  constructor(scope: Construct, id: string, { environmentName, policy }: TeamAlertsProps) {
    super(scope, id);
    const displayName = `Groq budget of ${policy.team} in ${environmentName}`;
    const topic = new Topic(this, 'Topic', { displayName, enforceSSL: true });
    for (const recipient of new Set(policy.alertRecipients)) topic.addSubscription(new EmailSubscription(recipient));
    new Rule(this, 'AlertRule', {
      description: `Delivers budget alerts of ${policy.team} to its recipients`,
      eventPattern: alertEventPattern(environmentName, policy.team),
      targets: [new SnsTopic(topic, { message: ALERT_MESSAGE })],
    });
  }
}
