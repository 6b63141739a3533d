import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { CANARY_KEY_PREFIX, ENV, groqSecretName, ORGANIZATION } from '../lambda/contract.ts';
import { CANARY_TEAM } from '../lambda/core/canary.ts';
import type { Environment, EnvironmentFile } from '../lambda/core/environment.ts';
import { BudgetAlarms } from './budget-alarms.ts';
import { BudgetAlerts } from './budget-alerts.ts';
import { CustomDomain } from './custom-domain.ts';
import { GatewayDashboard } from './dashboard.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { EnforcementCanary } from './enforcement-canary.ts';
import { ANSWER_WITHIN, GatewayApi } from './gateway-api.ts';
import { GatewayFunction } from './gateway-function.ts';
import { GatewayTable } from './gateway-table.ts';
import { GroqKeyRotation } from './groq-key-rotation.ts';
import { OperationalAlarms } from './operational-alarms.ts';
import { PolicyPublication } from './policy-publication.ts';
import { ReportsBucket } from './reports-bucket.ts';
import { TeamKeyRotation } from './team-key-rotation.ts';
import { TeamSecrets } from './team-secrets.ts';
import { TeamStack } from './team-stack.ts';
import { UsagePlanHandle } from './usage-plan-handle.ts';
import { UsageProjection } from './usage-projection.ts';
import { UsageWidget } from './usage-widget.ts';
import { WebAcl } from './web-acl.ts';
import { letReadWebhook } from './webhook-secret.ts';
import { WeeklyReport } from './weekly-report.ts';

/** How long a function of the deployment may run: with the minute its event may wait, less than CloudFormation does. */
const DEPLOY_WITHIN = Duration.minutes(3);
/** How often ledgers are swept, and how long that may take: less, so that no two sweeps meet. */
const SWEEP_EVERY = Duration.minutes(5);
const SWEEP_WITHIN = Duration.minutes(4);
/** How long a batch of the ledger's stream may take: many times what a hundred ends need. */
const PROJECT_WITHIN = Duration.minutes(1);

/** How often replaced keys are looked at, and how long that may take. */
const RETIRE_EVERY = Duration.hours(6);
const RETIRE_WITHIN = Duration.minutes(10);

/** How often usage is compared with the ledgers, twice in the day that its alarm looks at; and how long that may take. */
const RECONCILE_EVERY = Duration.hours(12);
const RECONCILE_WITHIN = Duration.minutes(10);

/** How long a week's report of many teams may take, and how long who looks at a dashboard waits. */
const REPORT_WITHIN = Duration.minutes(10);
const DRAW_WITHIN = Duration.seconds(25);

/** How long a step of a rotation may take. */
const ROTATE_WITHIN = Duration.seconds(30);
/** How long all teams' Groq keys may be looked after: less than until the next time. */
const ROTATE_GROQ_WITHIN = Duration.minutes(4);

/** How long an alert may take to be passed on: three tries of five seconds and the pauses between. */
const TELL_WITHIN = Duration.seconds(30);

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
  readonly #ledger: GatewayTable;
  readonly #registry: GatewayTable;
  readonly #usage: GatewayTable;
  readonly #groqSecrets: TeamSecrets;

  constructor(scope: Construct, id: string, props: GatewayStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { environmentName, environment, environmentFile, catalogFile } = props;
    const settings = environment.deployment;
    this.#ledger = new GatewayTable(this, 'Ledger', { stream: true, retain: settings.retainData });
    this.#registry = new GatewayTable(this, 'Registry', { retain: settings.retainData });
    this.#usage = new GatewayTable(this, 'Usage', { retain: settings.retainData });
    const reports = new ReportsBucket(this, 'Reports', { retain: settings.retainData });
    this.#groqSecrets = new TeamSecrets(this, {
      pattern: groqSecretName('*', environmentName),
      kmsKeyArn: settings.secretsKmsKeyArn,
    });

    const authorizer = this.#authorizer();
    const gateway = this.#gateway();
    const admin = this.#admin();
    const publisher = this.#publisher();
    const sweeper = this.#sweeper();
    const projector = this.#projector();
    const reconciler = this.#reconciler();
    const retirement = this.#retirement();
    const rotation = this.#rotation();
    const groqRotation = this.#groqRotation(reports);
    const { reporter, widget } = this.#reports(reports);
    const { deadLetters } = new UsageProjection(this, 'UsageProjection', { projector, ledger: this.#ledger });
    const { api } = new GatewayApi(this, 'Api', { environmentName, settings, authorizer, gateway, admin });
    const stage = api.deploymentStage;
    if (settings.webAcl !== undefined) new WebAcl(this, 'WebAcl', api, settings.webAcl);
    const domain =
      settings.customDomain === undefined ? undefined : new CustomDomain(this, 'Domain', api, settings.customDomain);
    const pattern = props.endpointPattern ?? `https://{api}.execute-api.${this.region}.${this.urlSuffix}/{stage}`;
    const url = pattern.replace('{api}', api.restApiId).replace('{stage}', stage.stageName);

    for (const holder of [ORGANIZATION, CANARY_TEAM])
      new UsagePlanHandle(this, `Plan-${holder}`, { api, stage, environmentName, holder });
    const untoldAlerts = new DeadLetterQueue(this, 'UntoldAlerts');
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
      untoldAlerts,
      ledger: this.#ledger,
      registry: this.#registry,
      operators: settings.operators,
    });
    alarms.letTell(retirement);
    alarms.letTell(groqRotation);
    alarms.letTell(reporter);
    const { alertsPercent: percents, alertsUsd: usd } = environment.organization;
    const { topic } = alarms;
    new BudgetAlarms(this, 'Budget', { environmentName, holder: ORGANIZATION, percents, usd, topic });
    const webhook = this.#webhook();
    const announcers = [sweeper, projector];
    new BudgetAlerts(this, 'BudgetAlerts', {
      environmentName,
      settings: { percents, usd },
      announcers,
      usage: this.#usage,
      topic,
      webhook,
      untold: untoldAlerts,
    });
    if (settings.dashboard)
      new GatewayDashboard(this, 'Dashboard', { environmentName, gateway, widget: widget.function });
    const alarmPercents = settings.teamAlarms ? percents : [];
    const ofTeams = {
      environmentName,
      settings,
      api,
      stage,
      publisher,
      rotation,
      alarmPercents,
      operatorsTopic: topic,
    };
    for (const policy of environment.teams.values()) new TeamStack(this, `Team-${policy.team}`, { ...ofTeams, policy });

    const publication = new PolicyPublication(
      this,
      'Publication',
      { publisher, environment: environmentFile, catalog: catalogFile },
      () => followers,
    );
    // At API Gateway's own address: a name of one's own may be pointed at it only after the deployment. Inside a VPC the check's function could not reach the endpoint; `groq-rbac verify`, run there, does.
    const followers = settings.privateEndpoint === undefined ? [this.#canary(url)] : [];
    this.#output('Endpoint', domain?.url ?? url, 'Base URL for groq-sdk; for openai, append /openai/v1');
    this.#output('LedgerTable', this.#ledger.table.tableName, 'What teams have spent and hold');
    this.#output('RegistryTable', this.#registry.table.tableName, 'Policies, keys and the audit trail');
    this.#output('UsageTable', this.#usage.table.tableName, 'What calls came to, by day, team, key and model');
    this.#output('ReportsBucket', reports.bucket.bucketName, 'Weekly reports, by week');
    this.#output('UsageWidget', widget.function.functionArn, "Draws the week's table in a dashboard's custom widget");
    this.#output('GroqKeyRotation', groqRotation.function.functionArn, 'Rotates Groq keys: groq-rbac groq-key rotate');
    this.#output('Changes', publication.summary, 'What this deployment changed, and why it matters');
  }

  /** Knows a key's team. Reads keys, and nothing else. */
  #authorizer(): GatewayFunction {
    const authorizer = this.#function('Authorizer', 'authorizer', 'Tells whose a key is', Duration.seconds(10));
    this.#registry.grantItems(authorizer, ['GetItem'], ['KEY#*']);
    return authorizer;
  }

  /** Judges, reserves, calls Groq, settles. */
  #gateway(): GatewayFunction {
    const gateway = this.#function('Gateway', 'gateway', 'Judges calls and forwards them to Groq', ANSWER_WITHIN);
    this.#ledger.grantItems(gateway, ['GetItem', 'UpdateItem', 'ConditionCheckItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(gateway, ['GetItem', 'Query'], ['POLICIES*']);
    // The lists of keys have their names, and neither hashes nor roles.
    this.#registry.grantItems(gateway, ['Query'], ['TEAM#*']);
    this.#usage.grantItems(gateway, ['Query'], ['TEAM#*']);
    // Which keys wait is in the labels; the head of the queue helps where Groq takes neither key in use.
    this.#groqSecrets.grant(gateway, ['DescribeSecret', 'GetSecretValue']);
    return gateway;
  }

  /** Makes, lists, rotates and revokes keys: the one function that may write them at run time. It sees no prompt. */
  #admin(): GatewayFunction {
    const admin = this.#function('Admin', 'admin', 'Administers keys', Duration.seconds(25));
    this.#registry.grantItems(admin, ['GetItem', 'Query'], ['POLICIES*']);
    this.#registry.grantItems(admin, ['GetItem', 'PutItem', 'UpdateItem'], ['KEY#*']);
    this.#registry.grantItems(admin, ['Query', 'PutItem'], ['TEAM#*']);
    this.#registry.grantItems(admin, ['GetItem', 'PutItem', 'DeleteItem'], ['IDEMPOTENCY#*']);
    this.#registry.grantItems(admin, ['PutItem', 'Query'], ['AUDIT#*']);
    // What is known of Groq keys, which are in no table.
    this.#registry.grantItems(admin, ['Query'], ['GROQKEYS#*']);
    this.#usage.grantItems(admin, ['Query'], ['TEAM#*']);
    // A revoked key is marked where calls are admitted.
    this.#grantRevocation(admin);
    return admin;
  }

  /** Lets a function mark a revoked key in the ledgers of its team, beside what stands for the team and for all. */
  #grantRevocation(revoker: GatewayFunction): void {
    this.#ledger.grantItems(revoker, ['GetItem', 'UpdateItem'], ['TEAM#*']);
    this.#ledger.grantItems(revoker, ['GetItem'], ['ORG']);
  }

  /** Puts policies in force at a deployment, and revokes the keys of a team that goes. */
  #publisher(): GatewayFunction {
    const publisher = this.#function('Publisher', 'publisher', 'Puts policies in force', DEPLOY_WITHIN, true);
    this.#registry.grantItems(publisher, ['GetItem', 'PutItem', 'Query', 'BatchWriteItem'], ['POLICIES*']);
    this.#registry.grantItems(publisher, ['Query'], ['TEAM#*']);
    this.#registry.grantItems(publisher, ['UpdateItem'], ['KEY#*']);
    // No update and no deletion: what is in the audit trail stays as it was written.
    this.#registry.grantItems(publisher, ['PutItem'], ['AUDIT#*']);
    this.#ledger.grantItems(publisher, ['GetItem', 'UpdateItem', 'ConditionCheckItem'], ['TEAM#*', 'ORG']);
    return publisher;
  }

  /** Takes calls that nobody came back for as spent, every five minutes, and tells what the ledgers come to. */
  #sweeper(): GatewayFunction {
    const sweeper = this.#function('Sweeper', 'sweeper', 'Expires reservations past their time', SWEEP_WITHIN, true);
    this.#ledger.grantItems(sweeper, ['GetItem', 'UpdateItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(sweeper, ['GetItem', 'Query'], ['POLICIES*']);
    new Rule(this, 'SweepSchedule', {
      description: 'Expires reservations past their time',
      schedule: Schedule.rate(SWEEP_EVERY),
      targets: [new LambdaFunction(sweeper.function)],
    });
    return sweeper;
  }

  /** Counts what the ledger's stream tells of. Adds to the usage, and reads nothing. */
  #projector(): GatewayFunction {
    const projector = this.#function('Projector', 'projector', 'Counts usage from the ledger', PROJECT_WITHIN);
    this.#usage.grantItems(projector, ['UpdateItem'], ['TEAM#*', 'END#*']);
    return projector;
  }

  /** Compares the usage with the ledgers. Reads, and writes nothing. */
  #reconciler(): GatewayFunction {
    const description = 'Compares usage with the ledgers';
    const reconciler = this.#function('Reconciler', 'reconciler', description, RECONCILE_WITHIN, true);
    this.#ledger.grantItems(reconciler, ['GetItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(reconciler, ['GetItem', 'Query'], ['POLICIES*']);
    this.#usage.grantItems(reconciler, ['Query'], ['TEAM#*']);
    new Rule(this, 'ReconciliationSchedule', {
      description,
      schedule: Schedule.rate(RECONCILE_EVERY),
      targets: [new LambdaFunction(reconciler.function)],
    });
    return reconciler;
  }

  /** Revokes keys that others have taken the place of, once nobody uses them, and tells of those that somebody does. */
  #retirement(): GatewayFunction {
    const retirement = this.#function('Retirement', 'retirement', 'Retires replaced keys', RETIRE_WITHIN, true);
    this.#registry.grantItems(retirement, ['GetItem', 'Query'], ['POLICIES*']);
    this.#registry.grantItems(retirement, ['GetItem', 'UpdateItem'], ['KEY#*']);
    this.#registry.grantItems(retirement, ['Query'], ['TEAM#*']);
    this.#registry.grantItems(retirement, ['PutItem'], ['AUDIT#*']);
    this.#usage.grantItems(retirement, ['Query'], ['TEAM#*']);
    this.#grantRevocation(retirement);
    new Rule(this, 'RetirementSchedule', {
      description: 'Retires replaced keys that nobody uses',
      schedule: Schedule.rate(RETIRE_EVERY),
      targets: [new LambdaFunction(retirement.function)],
    });
    return retirement;
  }

  /** Tell people what was spent: each Monday in files, and at any time in a dashboard. They read, and write nothing else. */
  #reports(reports: ReportsBucket) {
    const tables = { ledger: this.#ledger, registry: this.#registry, usage: this.#usage };
    const reporter = this.#function('Reporter', 'weekly-report', 'Reports what each week came to', REPORT_WITHIN);
    new WeeklyReport(this, 'WeeklyReport', { ...tables, reporter, reports });
    const drawer = this.#function('WidgetDrawer', 'usage-widget', 'Draws a week for a dashboard', DRAW_WITHIN);
    return { reporter, widget: new UsageWidget(this, 'Widget', { ...tables, drawer }) };
  }

  /** Rotates the keys that services read from Secrets Manager; only where a team wants that. */
  #rotation(): TeamKeyRotation | undefined {
    const { environmentName, environment } = this.#props;
    if ([...environment.teams.values()].every(({ rotateKeyEveryDays }) => rotateKeyEveryDays === null))
      return undefined;
    const rotation = this.#function('KeyRotation', 'team-key-rotation', 'Rotates keys of services', ROTATE_WITHIN);
    return new TeamKeyRotation(this, 'TeamKeyRotation', { environmentName, rotation, registry: this.#registry });
  }

  /** Rotates, watches and retires teams' Groq keys: the one function that writes their secrets. */
  #groqRotation(reports: ReportsBucket): GatewayFunction {
    const rotation = this.#function('GroqRotation', 'groq-key-rotation', 'Rotates Groq keys', ROTATE_GROQ_WITHIN);
    const [secrets, registry, usage] = [this.#groqSecrets, this.#registry, this.#usage];
    new GroqKeyRotation(this, 'GroqKeys', { rotation, secrets, registry, usage, reports });
    return rotation;
  }

  /** Passes alerts on to Slack or Teams; only where the environment has a webhook. It reads one secret, and nothing else. */
  #webhook(): GatewayFunction | undefined {
    const { webhook } = this.#props.environment.deployment;
    if (webhook === undefined) return undefined;
    const teller = this.#function('Webhook', 'webhook', 'Passes budget alerts on to a webhook', TELL_WITHIN);
    letReadWebhook(teller, webhook);
    return teller;
  }

  #canary(url: string): EnforcementCanary {
    const canary = this.#function('Canary', 'canary', 'Checks that a deployment enforces', DEPLOY_WITHIN, true);
    this.#registry.grantItems(canary, ['GetItem', 'Query'], ['POLICIES*', `TEAM#${CANARY_TEAM}`]);
    this.#registry.grantItems(canary, ['PutItem', 'DeleteItem'], [`KEY#${CANARY_KEY_PREFIX}*`, `TEAM#${CANARY_TEAM}`]);
    const check = new EnforcementCanary(this, 'Enforcement', { canary, url });
    // Last of all: whatever a deployment changes is in place when it is judged.
    const before = this.node.children.filter((child) => child !== check);
    check.node.addDependency(...before);
    return check;
  }

  #function(id: string, handler: string, description: string, timeout: Duration, once = false): GatewayFunction {
    const { environmentName, environment } = this.#props;
    const { groqBaseUrl } = environment.deployment;
    const variables = {
      [ENV.environmentName]: environmentName,
      [ENV.ledgerTable]: this.#ledger.table.tableName,
      [ENV.registryTable]: this.#registry.table.tableName,
      [ENV.usageTable]: this.#usage.table.tableName,
      ...(groqBaseUrl === undefined ? {} : { [ENV.groqBaseUrl]: groqBaseUrl }),
    };
    const settings = environment.deployment;
    return new GatewayFunction(this, id, { handler, description, timeout, environment: variables, settings, once });
  }

  #output(id: string, value: string, description: string): void {
    new CfnOutput(this, id, { value, description });
  }
}
