import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { type AlarmText, alarmDescription, alarmName } from './alarm-table.ts';

/** What an alarm watches, and who is told. */
export type GatewayAlarmProps = {
  readonly environmentName: string;
  readonly alarm: AlarmText;
  /** Which of several of the same words: a team, a threshold. @default none */
  readonly qualifiers?: readonly string[];
  readonly metric: IMetric;
  /** It fires from this value on. */
  readonly threshold: number;
  readonly topic: ITopic;
  /** Whether it keeps its state while nothing is measured, and clears without a message: for what lasts for the month. @default false */
  readonly ignoresMissingData?: boolean;
};

/** An alarm that tells the operators: named, described and treated as all others are. */
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
