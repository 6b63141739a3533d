import { Duration, type Stack } from 'aws-cdk-lib';
import type { Environment } from '../lambda/policy/environment.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayFunctions } from './gateway-functions.ts';
import type { GatewayTables } from './gateway-table.ts';
import { GroqKeyRotation } from './keys/groq-key-rotation.ts';
import { TeamKeyRotation } from './keys/team-key-rotation.ts';
import type { TeamSecrets } from './keys/team-secrets.ts';
import { grantReadWebhook } from './monitoring/webhook-secret.ts';
import type { ReportsBucket } from './usage/reports-bucket.ts';
import { grantReadSpending } from './usage/spending-access.ts';
import { WeeklyReport } from './usage/weekly-report.ts';

const REPORT_TIMEOUT = Duration.minutes(10);
const WIDGET_TIMEOUT = Duration.seconds(25);
/** Limit of one rotation step. */
const TEAM_KEY_ROTATION_TIMEOUT = Duration.seconds(30);
/** Shorter than the watch's interval of five minutes, so that two runs never overlap. */
const GROQ_KEY_ROTATION_TIMEOUT = Duration.minutes(4);
/** Three attempts of five seconds each, and the pauses between them. */
const WEBHOOK_TIMEOUT = Duration.seconds(30);

/** Props of the jobs. */
export type GatewayJobsProps = {
  readonly environmentName: string;
  readonly environment: Environment;
  readonly functions: GatewayFunctions;
  readonly tables: GatewayTables;
  readonly groqSecrets: TeamSecrets;
  readonly reports: ReportsBucket;
};

/** Functions that run beside the request path: key rotations, and reports of spending. */
export class GatewayJobs {
  /** Undefined where no policy has `rotateKeyEveryDays`. */
  readonly teamKeyRotation: TeamKeyRotation | undefined;
  readonly groqKeyRotation: GatewayFunction;
  readonly reporter: GatewayFunction;
  readonly widgetRenderer: GatewayFunction;

  constructor(scope: Stack, props: GatewayJobsProps) {
    this.teamKeyRotation = addTeamKeyRotation(scope, props);
    this.groqKeyRotation = addGroqKeyRotation(scope, props);
    this.reporter = addWeeklyReport(scope, props);
    this.widgetRenderer = addWidgetRenderer(props);
  }
}

function addTeamKeyRotation(scope: Stack, props: GatewayJobsProps): TeamKeyRotation | undefined {
  const { environmentName, environment, functions, tables } = props;
  const policies = [...environment.teams.values()];
  if (policies.every(({ rotateKeyEveryDays }) => rotateKeyEveryDays === null)) return undefined;
  const description = 'Rotates the keys of services';
  const rotation = functions.add('KeyRotation', 'team-key-rotation', description, TEAM_KEY_ROTATION_TIMEOUT);
  return new TeamKeyRotation(scope, 'TeamKeyRotation', { environmentName, rotation, registry: tables.registry });
}

function addGroqKeyRotation(scope: Stack, { functions, tables, groqSecrets, reports }: GatewayJobsProps) {
  const description = 'Rotates Groq keys';
  const rotation = functions.add('GroqRotation', 'groq-key-rotation', description, GROQ_KEY_ROTATION_TIMEOUT);
  new GroqKeyRotation(scope, 'GroqKeys', { ...tables, rotation, secrets: groqSecrets, reports });
  return rotation;
}

function addWeeklyReport(scope: Stack, { functions, tables, reports }: GatewayJobsProps): GatewayFunction {
  const reporter = functions.add('Reporter', 'weekly-report', 'Writes the weekly report', REPORT_TIMEOUT);
  new WeeklyReport(scope, 'WeeklyReport', { ...tables, reporter, reports });
  return reporter;
}

function addWidgetRenderer({ functions, tables }: GatewayJobsProps): GatewayFunction {
  const description = 'Renders the weekly table for a dashboard';
  const renderer = functions.add('WidgetRenderer', 'usage-widget', description, WIDGET_TIMEOUT);
  grantReadSpending(renderer, tables);
  return renderer;
}

/** Adds the function that forwards alerts to Slack or Teams, if the environment has a webhook. */
export function addWebhook(functions: GatewayFunctions, environment: Environment): GatewayFunction | undefined {
  const { webhook } = environment.deployment;
  if (webhook === undefined) return undefined;
  const notifier = functions.add('Webhook', 'webhook', 'Forwards budget alerts to a webhook', WEBHOOK_TIMEOUT);
  grantReadWebhook(notifier, webhook);
  return notifier;
}
