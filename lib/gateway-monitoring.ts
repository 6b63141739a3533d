import type { Stack } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { ORGANIZATION } from '../lambda/contract.ts';
import type { Environment } from '../lambda/policy/environment.ts';
import type { GatewayFunctions } from './gateway-functions.ts';
import { addWebhook, type GatewayJobs } from './gateway-jobs.ts';
import type { GatewayTables } from './gateway-table.ts';
import { BudgetAlarms } from './monitoring/budget-alarms.ts';
import { BudgetAlerts } from './monitoring/budget-alerts.ts';
import { GatewayDashboard } from './monitoring/dashboard.ts';
import { DeadLetterQueue } from './monitoring/dead-letter-queue.ts';
import { OperationalAlarms } from './monitoring/operational-alarms.ts';

/** Props of the monitoring. */
export type GatewayMonitoringProps = {
  readonly environmentName: string;
  readonly environment: Environment;
  readonly functions: GatewayFunctions;
  readonly jobs: GatewayJobs;
  readonly tables: GatewayTables;
  readonly api: RestApi;
  /** Queue of the usage projection. */
  readonly deadLetters: Queue;
};

/** Adds alarms, budget alerts and the dashboard. Returns the topic that notifies the operators. */
export function addMonitoring(scope: Stack, props: GatewayMonitoringProps): ITopic {
  const { environmentName, environment, functions, jobs, tables, api, deadLetters } = props;
  const { deployment: settings, organization } = environment;
  const { alertsPercent: percents, alertsUsd: usd } = organization;
  const undelivered = new DeadLetterQueue(scope, 'UndeliveredAlerts');
  const alarms = new OperationalAlarms(scope, 'Alarms', {
    ...functions,
    ...tables,
    environmentName,
    api,
    reporter: jobs.reporter,
    rotation: jobs.teamKeyRotation?.rotation,
    groqRotation: jobs.groqKeyRotation,
    deadLetters,
    undeliveredAlerts: undelivered,
    operators: settings.operators,
  });
  for (const notifier of [functions.retirement, jobs.groqKeyRotation, jobs.reporter]) alarms.grantNotify(notifier);
  const { topic } = alarms;
  new BudgetAlarms(scope, 'Budget', { environmentName, holder: ORGANIZATION, percents, usd, topic });
  new BudgetAlerts(scope, 'BudgetAlerts', {
    environmentName,
    settings: { percents, usd },
    alertPublishers: [functions.sweeper, functions.projector],
    usage: tables.usage,
    topic,
    webhook: addWebhook(functions, environment),
    undelivered,
  });
  if (settings.dashboard)
    new GatewayDashboard(scope, 'Dashboard', {
      environmentName,
      gateway: functions.gateway,
      widget: jobs.widgetRenderer.function,
    });
  return topic;
}
