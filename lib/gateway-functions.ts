import { Duration, type Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { ENV } from '../lambda/contract.ts';
import type { DeploymentSettings } from '../lambda/policy/deployment-settings.ts';
import { RESPONSE_TIMEOUT } from './api/api-methods.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayTable, GatewayTables } from './gateway-table.ts';
import type { TeamSecrets } from './keys/team-secrets.ts';

/** How long a function of the deployment may run: with the minute its event may wait, less than CloudFormation does. */
export const DEPLOYMENT_TIMEOUT = Duration.minutes(3);
/** How often ledgers are swept, and how long that may take: less, so that no two sweeps meet. */
const SWEEP_INTERVAL = Duration.minutes(5);
const SWEEP_TIMEOUT = Duration.minutes(4);
/** How long a batch of the ledger's stream may take: many times what a hundred ends need. */
const PROJECTOR_TIMEOUT = Duration.minutes(1);

/** How often replaced keys are looked at, and how long that may take. */
const RETIREMENT_INTERVAL = Duration.hours(6);
const RETIREMENT_TIMEOUT = Duration.minutes(10);

/** How often usage is compared with the ledgers, twice in the day that its alarm looks at; and how long that may take. */
const RECONCILIATION_INTERVAL = Duration.hours(12);
const RECONCILIATION_TIMEOUT = Duration.minutes(10);

/** What every function is told, and what some may use. */
export type GatewayFunctionsProps = {
  readonly environmentName: string;
  readonly settings: DeploymentSettings;
  readonly tables: GatewayTables;
  readonly groqSecrets: TeamSecrets;
};

/** The functions that every environment has, each with its rights to the tables, and how others are made beside them. */
export class GatewayFunctions {
  readonly authorizer: GatewayFunction;
  readonly gateway: GatewayFunction;
  readonly admin: GatewayFunction;
  readonly publisher: GatewayFunction;
  readonly sweeper: GatewayFunction;
  readonly projector: GatewayFunction;
  readonly reconciler: GatewayFunction;
  readonly retirement: GatewayFunction;
  readonly #scope: Stack;
  readonly #props: GatewayFunctionsProps;
  readonly #ledger: GatewayTable;
  readonly #registry: GatewayTable;
  readonly #usage: GatewayTable;

  constructor(scope: Stack, props: GatewayFunctionsProps) {
    this.#scope = scope;
    this.#props = props;
    this.#ledger = props.tables.ledger;
    this.#registry = props.tables.registry;
    this.#usage = props.tables.usage;
    this.authorizer = this.#authorizer();
    this.gateway = this.#gateway();
    this.admin = this.#admin();
    this.publisher = this.#publisher();
    this.sweeper = this.#sweeper();
    this.projector = this.#projector();
    this.reconciler = this.#reconciler();
    this.retirement = this.#retirement();
  }

  /** Makes one more; what it may do is for whoever asks for it to grant. */
  add(id: string, handler: string, description: string, timeout: Duration, isNeverRetried = false): GatewayFunction {
    const { environmentName, settings } = this.#props;
    const { groqBaseUrl } = settings;
    const variables = {
      [ENV.environmentName]: environmentName,
      [ENV.ledgerTable]: this.#ledger.table.tableName,
      [ENV.registryTable]: this.#registry.table.tableName,
      [ENV.usageTable]: this.#usage.table.tableName,
      ...(groqBaseUrl === undefined ? {} : { [ENV.groqBaseUrl]: groqBaseUrl }),
    };
    const functionProps = { handler, description, timeout, environment: variables, settings, isNeverRetried };
    return new GatewayFunction(this.#scope, id, functionProps);
  }

  /** Knows a key's team. Reads keys, and nothing else. */
  #authorizer(): GatewayFunction {
    const authorizer = this.add('Authorizer', 'authorizer', 'Tells whose a key is', Duration.seconds(10));
    this.#registry.grantItems(authorizer, ['GetItem'], ['KEY#*']);
    return authorizer;
  }

  /** Judges, reserves, calls Groq, settles. */
  #gateway(): GatewayFunction {
    const gateway = this.add('Gateway', 'gateway', 'Judges calls and forwards them to Groq', RESPONSE_TIMEOUT);
    this.#ledger.grantItems(gateway, ['GetItem', 'UpdateItem', 'ConditionCheckItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(gateway, ['GetItem', 'Query'], ['POLICIES*']);
    // The lists of keys have their names, and neither hashes nor roles.
    this.#registry.grantItems(gateway, ['Query'], ['TEAM#*']);
    this.#usage.grantItems(gateway, ['Query'], ['TEAM#*']);
    // Which keys wait is in the labels; the head of the queue helps where Groq takes neither key in use.
    this.#props.groqSecrets.grant(gateway, ['DescribeSecret', 'GetSecretValue']);
    return gateway;
  }

  /** Makes, lists, rotates and revokes keys: the one function that may write them at run time. It sees no prompt. */
  #admin(): GatewayFunction {
    const admin = this.add('Admin', 'admin', 'Administers keys', Duration.seconds(25));
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
    const publisher = this.add('Publisher', 'publisher', 'Puts policies in force', DEPLOYMENT_TIMEOUT, true);
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
    const sweeper = this.add('Sweeper', 'sweeper', 'Expires reservations past their time', SWEEP_TIMEOUT, true);
    this.#ledger.grantItems(sweeper, ['GetItem', 'UpdateItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(sweeper, ['GetItem', 'Query'], ['POLICIES*']);
    new Rule(this.#scope, 'SweepSchedule', {
      description: 'Expires reservations past their time',
      schedule: Schedule.rate(SWEEP_INTERVAL),
      targets: [new LambdaFunction(sweeper.function)],
    });
    return sweeper;
  }

  /** Counts what the ledger's stream tells of. Adds to the usage, and reads nothing. */
  #projector(): GatewayFunction {
    const projector = this.add('Projector', 'projector', 'Counts usage from the ledger', PROJECTOR_TIMEOUT);
    this.#usage.grantItems(projector, ['UpdateItem'], ['TEAM#*', 'END#*']);
    return projector;
  }

  /** Compares the usage with the ledgers. Reads, and writes nothing. */
  #reconciler(): GatewayFunction {
    const description = 'Compares usage with the ledgers';
    const reconciler = this.add('Reconciler', 'reconciler', description, RECONCILIATION_TIMEOUT, true);
    this.#ledger.grantItems(reconciler, ['GetItem'], ['TEAM#*', 'ORG']);
    this.#registry.grantItems(reconciler, ['GetItem', 'Query'], ['POLICIES*']);
    this.#usage.grantItems(reconciler, ['Query'], ['TEAM#*']);
    new Rule(this.#scope, 'ReconciliationSchedule', {
      description,
      schedule: Schedule.rate(RECONCILIATION_INTERVAL),
      targets: [new LambdaFunction(reconciler.function)],
    });
    return reconciler;
  }

  /** Revokes keys that others have taken the place of, once nobody uses them, and tells of those that somebody does. */
  #retirement(): GatewayFunction {
    const retirement = this.add('Retirement', 'retirement', 'Retires replaced keys', RETIREMENT_TIMEOUT, true);
    this.#registry.grantItems(retirement, ['GetItem', 'Query'], ['POLICIES*']);
    this.#registry.grantItems(retirement, ['GetItem', 'UpdateItem'], ['KEY#*']);
    this.#registry.grantItems(retirement, ['Query'], ['TEAM#*']);
    this.#registry.grantItems(retirement, ['PutItem'], ['AUDIT#*']);
    this.#usage.grantItems(retirement, ['Query'], ['TEAM#*']);
    this.#grantRevocation(retirement);
    new Rule(this.#scope, 'RetirementSchedule', {
      description: 'Retires replaced keys that nobody uses',
      schedule: Schedule.rate(RETIREMENT_INTERVAL),
      targets: [new LambdaFunction(retirement.function)],
    });
    return retirement;
  }
}
