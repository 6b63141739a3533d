import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CANARY_KEY_PREFIX, groqSecretName, ORGANIZATION } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/policy/canary-team.ts';
import type { Environment, EnvironmentFile } from '../lambda/policy/environment.ts';
import { CustomDomain } from './api/custom-domain.ts';
import { GatewayApi } from './api/gateway-api.ts';
import { GatewayUsagePlan } from './api/gateway-usage-plan.ts';
import { WebAcl } from './api/web-acl.ts';
import { DEPLOYMENT_TIMEOUT } from './background-functions.ts';
import { EnforcementCanary } from './deployment/enforcement-canary.ts';
import { PolicyPublication } from './deployment/policy-publication.ts';
import type { GatewayFunction } from './gateway-function.ts';
import { GatewayFunctions } from './gateway-functions.ts';
import { GatewayTable, type GatewayTables } from './gateway-table.ts';
import { GroqKeyRotation } from './keys/groq-key-rotation.ts';
import { TeamKeyRotation } from './keys/team-key-rotation.ts';
import { TeamSecrets } from './keys/team-secrets.ts';
import { BudgetAlarms } from './monitoring/budget-alarms.ts';
import { BudgetAlerts } from './monitoring/budget-alerts.ts';
import { GatewayDashboard } from './monitoring/dashboard.ts';
import { DeadLetterQueue } from './monitoring/dead-letter-queue.ts';
import { OperationalAlarms } from './monitoring/operational-alarms.ts';
import { grantReadWebhook } from './monitoring/webhook-secret.ts';
import { TeamStack } from './team-stack.ts';
import { ReportsBucket } from './usage/reports-bucket.ts';
import { grantReadSpending } from './usage/spending-access.ts';
import { UsageProjection } from './usage/usage-projection.ts';
import { WeeklyReport } from './usage/weekly-report.ts';

/** How long a week's report of many teams may take, and how long who looks at a dashboard waits. */
const REPORT_TIMEOUT = Duration.minutes(10);
const WIDGET_TIMEOUT = Duration.seconds(25);

/** How long a step of a rotation may take. */
const KEY_ROTATION_TIMEOUT = Duration.seconds(30);
/** How long all teams' Groq keys may be looked after: less than until the next time. */
const GROQ_KEY_ROTATION_TIMEOUT = Duration.minutes(4);

/** How long an alert may take to be passed on: three tries of five seconds and the pauses between. */
const WEBHOOK_TIMEOUT = Duration.seconds(30);

/** What a stack is told. */
export type GatewayStackProps = StackProps & {
  readonly environmentName: string;
  /** As it was understood, and as its file has it. */
  readonly environment: Environment;
  readonly environmentFile: EnvironmentFile;
  readonly catalogFile: Readonly<Record<string, unknown>>;
  /** Where the API answers, with {api} and {stage} in it. @default API Gateway's own address */
  readonly endpointPattern?: string | undefined;
};

/** One environment: everything between a team's key and Groq's, and nothing shared with another environment. */
export class GatewayStack extends Stack {
  readonly #props: GatewayStackProps;
  readonly #tables: GatewayTables;
  readonly #groqSecrets: TeamSecrets;
  readonly #functions: GatewayFunctions;

  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { environmentName, environment, environmentFile, catalogFile } = props;
    const settings = environment.deployment;
    const retain = settings.retainData;
    const ledger = new GatewayTable(this, 'Ledger', { stream: true, retain });
    const registry = new GatewayTable(this, 'Registry', { retain });
    const usage = new GatewayTable(this, 'Usage', { retain });
    this.#tables = { ledger, registry, usage };
    const reports = new ReportsBucket(this, 'Reports', { retain });
    this.#groqSecrets = new TeamSecrets(this, {
      pattern: groqSecretName('*', environmentName),
      kmsKeyArn: settings.secretsKmsKeyArn,
    });

    this.#functions = new GatewayFunctions(this, {
      environmentName,
      settings,
      tables: this.#tables,
      groqSecrets: this.#groqSecrets,
    });
    const { authorizer, gateway, admin, publisher, sweeper, projector, reconciler, retirement } = this.#functions;
    const rotation = this.#rotation();
    const groqRotation = this.#groqRotation(reports);
    const { reporter, widgetRenderer } = this.#reports(reports);
    const { deadLetters } = new UsageProjection(this, 'UsageProjection', { projector, ledger });
    const { api } = new GatewayApi(this, 'Api', { environmentName, settings, authorizer, gateway, admin });
    const stage = api.deploymentStage;
    if (settings.webAcl !== undefined) new WebAcl(this, 'WebAcl', api, settings.webAcl);
    const domain =
      settings.customDomain === undefined ? undefined : new CustomDomain(this, 'Domain', api, settings.customDomain);
    const pattern = props.endpointPattern ?? `https://{api}.execute-api.${this.region}.${this.urlSuffix}/{stage}`;
    const url = pattern.replace('{api}', api.restApiId).replace('{stage}', stage.stageName);

    for (const holder of [ORGANIZATION, CANARY_TEAM])
      new GatewayUsagePlan(this, `Plan-${holder}`, { api, stage, environmentName, holder });
    const undeliveredAlerts = new DeadLetterQueue(this, 'UntoldAlerts');
    const alarms = new OperationalAlarms(this, 'Alarms', {
      environmentName,
      api,
      authorizer,
      gateway,
      admin,
      sweeper,
      projector,
      reconciler,
      retirement,
      reporter,
      rotation: rotation?.rotation,
      groqRotation,
      deadLetters,
      undeliveredAlerts,
      ledger,
      registry,
      operators: settings.operators,
    });
    alarms.grantNotify(retirement);
    alarms.grantNotify(groqRotation);
    alarms.grantNotify(reporter);
    const { alertsPercent: percents, alertsUsd: usd } = environment.organization;
    const { topic } = alarms;
    new BudgetAlarms(this, 'Budget', { environmentName, holder: ORGANIZATION, percents, usd, topic });
    const webhook = this.#webhook();
    const alertPublishers = [sweeper, projector];
    new BudgetAlerts(this, 'BudgetAlerts', {
      environmentName,
      settings: { percents, usd },
      alertPublishers,
      usage,
      topic,
      webhook,
      undelivered: undeliveredAlerts,
    });
    if (settings.dashboard)
      new GatewayDashboard(this, 'Dashboard', { environmentName, gateway, widget: widgetRenderer.function });
    const alarmPercents = settings.teamAlarms ? percents : [];
    const teamProps = {
      environmentName,
      settings,
      api,
      stage,
      publisher,
      rotation,
      alarmPercents,
      operatorsTopic: topic,
    };
    for (const policy of environment.teams.values())
      new TeamStack(this, `Team-${policy.team}`, { ...teamProps, policy });

    const publication = new PolicyPublication(
      this,
      'Publication',
      { publisher, environment: environmentFile, catalog: catalogFile },
      () => excludedConstructs,
    );
    // At API Gateway's own address: a name of one's own may be pointed at it only after the deployment. Inside a VPC the check's function could not reach the endpoint; `groq-rbac verify`, run there, does.
    const excludedConstructs = settings.privateEndpoint === undefined ? [this.#canary(url)] : [];
    this.#output('Endpoint', domain?.url ?? url, 'Base URL for groq-sdk; for openai, append /openai/v1');
    this.#output('LedgerTable', ledger.table.tableName, 'What teams have spent and hold');
    this.#output('RegistryTable', registry.table.tableName, 'Policies, keys and the audit trail');
    this.#output('UsageTable', usage.table.tableName, 'What calls came to, by day, team, key and model');
    this.#output('ReportsBucket', reports.bucket.bucketName, 'Weekly reports, by week');
    this.#output(
      'UsageWidget',
      widgetRenderer.function.functionArn,
      "Draws the week's table in a dashboard's custom widget",
    );
    this.#output('GroqKeyRotation', groqRotation.function.functionArn, 'Rotates Groq keys: groq-rbac groq-key rotate');
    this.#output('Changes', publication.summary, 'What this deployment changed, and why it matters');
  }

  /** Tell people what was spent: each Monday in files, and at any time in a dashboard. They read, and write nothing else. */
  #reports(reports: ReportsBucket) {
    const reporter = this.#functions.add('Reporter', 'weekly-report', 'Reports what each week came to', REPORT_TIMEOUT);
    new WeeklyReport(this, 'WeeklyReport', { ...this.#tables, reporter, reports });
    const widgetRenderer = this.#functions.add(
      'WidgetDrawer',
      'usage-widget',
      'Draws a week for a dashboard',
      WIDGET_TIMEOUT,
    );
    grantReadSpending(widgetRenderer, this.#tables);
    return { reporter, widgetRenderer };
  }

  /** Rotates the keys that services read from Secrets Manager; only where a team wants that. */
  #rotation(): TeamKeyRotation | undefined {
    const { environmentName, environment } = this.#props;
    if ([...environment.teams.values()].every(({ rotateKeyEveryDays }) => rotateKeyEveryDays === null))
      return undefined;
    const rotation = this.#functions.add(
      'KeyRotation',
      'team-key-rotation',
      'Rotates keys of services',
      KEY_ROTATION_TIMEOUT,
    );
    return new TeamKeyRotation(this, 'TeamKeyRotation', { environmentName, rotation, registry: this.#tables.registry });
  }

  /** Rotates, watches and retires teams' Groq keys: the one function that writes their secrets. */
  #groqRotation(reports: ReportsBucket): GatewayFunction {
    const rotation = this.#functions.add(
      'GroqRotation',
      'groq-key-rotation',
      'Rotates Groq keys',
      GROQ_KEY_ROTATION_TIMEOUT,
    );
    new GroqKeyRotation(this, 'GroqKeys', { ...this.#tables, rotation, secrets: this.#groqSecrets, reports });
    return rotation;
  }

  /** Passes alerts on to Slack or Teams; only where the environment has a webhook. It reads one secret, and nothing else. */
  #webhook(): GatewayFunction | undefined {
    const { webhook } = this.#props.environment.deployment;
    if (webhook === undefined) return undefined;
    const notifier = this.#functions.add('Webhook', 'webhook', 'Passes budget alerts on to a webhook', WEBHOOK_TIMEOUT);
    grantReadWebhook(notifier, webhook);
    return notifier;
  }

  #canary(url: string): EnforcementCanary {
    const canary = this.#functions.add(
      'Canary',
      'canary',
      'Checks that a deployment enforces',
      DEPLOYMENT_TIMEOUT,
      true,
    );
    const { registry } = this.#tables;
    registry.grantItems(canary, ['GetItem', 'Query'], ['POLICIES*', `TEAM#${CANARY_TEAM}`]);
    registry.grantItems(canary, ['PutItem', 'DeleteItem'], [`KEY#${CANARY_KEY_PREFIX}*`, `TEAM#${CANARY_TEAM}`]);
    const check = new EnforcementCanary(this, 'Enforcement', { canary, url });
    // Last of all: whatever a deployment changes is in place when it is judged.
    const before = this.node.children.filter((child) => child !== check);
    check.node.addDependency(...before);
    return check;
  }

  #output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}
