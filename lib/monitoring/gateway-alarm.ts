import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type AlarmText, alarmDescription, alarmName } from './alarm-entry.ts';

/** Props of {@link GatewayAlarm}. */
export type GatewayAlarmProps = {
  readonly environmentName: string;
  readonly alarm: AlarmText;
  /** Suffixes that distinguish alarms with the same text: a team, a threshold. @default none */
  readonly qualifiers?: readonly string[];
  readonly metric: IMetric;
  /** The alarm goes off at this value and above. */
  readonly threshold: number;
  readonly topic: ITopic;
  /** Keeps the state while data is missing, and clears without a message: for a state that lasts until the month ends. @default false */
  readonly ignoresMissingData?: boolean;
};

/** An alarm that notifies the operators, with the name and description that all alarms share. */
export class GatewayAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: GatewayAlarmProps) {
    const { environmentName, alarm, qualifiers = [], metric, threshold, topic, ignoresMissingData = false } = props;
    super(scope, id, {
      alarmName: alarmName(environmentName, alarm.what, ...qualifiers),
      alarmDescription: alarmDescription(alarm),
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: ignoresMissingData ? TreatMissingData.IGNORE : TreatMissingData.NOT_BREACHING,
    });
    this.addAlarmAction(new SnsAction(topic));
    if (!ignoresMissingData) this.addOkAction(new SnsAction(topic));
  }
}
