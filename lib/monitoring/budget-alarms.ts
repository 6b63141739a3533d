import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ORGANIZATION } from '../../lambda/contract.ts';
import { METRIC } from '../../lambda/telemetry/metrics.ts';
import { BUDGET_ALARMS, gatewayMetric } from './alarm-table.ts';
import { GatewayAlarm } from './gateway-alarm.ts';

/** Whose budget, and at what people want to see it. */
export type BudgetAlarmsProps = {
  readonly environmentName: string;
  /** A team, or ORGANIZATION. */
  readonly holder: string;
  readonly percents: readonly number[];
  /** Dollars of all teams' spending together. @default none */
  readonly usd?: readonly number[];
  readonly topic: ITopic;
};

/**
 * Alarms that show how far a holder's budget is spent. The sweep measures it every five minutes, also while nobody calls,
 * so they hold while idle and clear when a month begins; the event of the crossing says what it went to.
 */
export class BudgetAlarms extends Construct {
  constructor(scope: Construct, id: string, props: BudgetAlarmsProps) {
    super(scope, id);
    const { environmentName, holder, percents, usd = [], topic } = props;
    const isOrganization = holder === ORGANIZATION;
    const alarm = isOrganization ? BUDGET_ALARMS.organization : BUDGET_ALARMS.team;
    const metric = gatewayMetric(environmentName, METRIC.budgetUsedPercent, Stats.MAXIMUM, holder);
    const qualifiers = (threshold: number) => [...(isOrganization ? [] : [holder]), String(threshold)];
    for (const threshold of new Set(percents))
      new GatewayAlarm(this, `Percent${threshold}`, {
        environmentName,
        alarm,
        qualifiers: qualifiers(threshold),
        metric,
        threshold,
        topic,
        ignoresMissingData: true,
      });
    for (const threshold of new Set(usd))
      new GatewayAlarm(this, `Usd${threshold}`, {
        environmentName,
        alarm: BUDGET_ALARMS.amount,
        qualifiers: [String(threshold)],
        metric: gatewayMetric(environmentName, METRIC.spentUsd, Stats.MAXIMUM),
        threshold,
        topic,
        ignoresMissingData: true,
      });
  }
}
