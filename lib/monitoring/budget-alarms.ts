import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ORGANIZATION } from '../../lambda/contract.ts';
import { METRIC } from '../../lambda/telemetry/metrics.ts';
import { BUDGET_ALARMS } from './alarm-table.ts';
import { GatewayAlarm } from './gateway-alarm.ts';
import { gatewayMetric } from './gateway-metric.ts';

/** Props of {@link BudgetAlarms}. */
export type BudgetAlarmsProps = {
  readonly environmentName: string;
  /** A team, or ORGANIZATION. */
  readonly holder: string;
  readonly percents: readonly number[];
  /** Thresholds of all teams' spending in dollars. @default none */
  readonly usd?: readonly number[];
  readonly topic: ITopic;
};

/**
 * Alarms at percentages of a holder's budget. The sweep reports its metric every five minutes, even without calls, so an
 * alarm stays on while a team is idle and clears when a month begins. The budget alert has the details.
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
