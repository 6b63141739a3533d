import type { Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { ENV } from '../lambda/contract.ts';
import type { DeploymentSettings } from '../lambda/policy/deployment-settings.ts';
import { GatewayFunction } from './gateway-function.ts';
import type { GatewayTables } from './gateway-table.ts';

/** Props that every function of an environment shares. */
export type FunctionFactoryProps = {
  readonly environmentName: string;
  readonly settings: DeploymentSettings;
  readonly tables: GatewayTables;
};

/** Creates the functions of one environment with the names of its tables in their environment variables. */
export class FunctionFactory {
  readonly #scope: Stack;
  readonly #props: FunctionFactoryProps;

  constructor(scope: Stack, props: FunctionFactoryProps) {
    this.#scope = scope;
    this.#props = props;
  }

  /** Adds a function without permissions; `handler` names its file in lambda/functions. */
  add(id: string, handler: string, description: string, timeout: Duration, isNeverRetried = false): GatewayFunction {
    const { environmentName, settings, tables } = this.#props;
    const { groqBaseUrl, upstreamFirstByteMs, upstreamIdleMs } = settings;
    const environment = {
      [ENV.environmentName]: environmentName,
      [ENV.ledgerTable]: tables.ledger.table.tableName,
      [ENV.registryTable]: tables.registry.table.tableName,
      [ENV.usageTable]: tables.usage.table.tableName,
      ...(groqBaseUrl === undefined ? {} : { [ENV.groqBaseUrl]: groqBaseUrl }),
      ...(upstreamFirstByteMs === undefined ? {} : { [ENV.upstreamFirstByteMs]: String(upstreamFirstByteMs) }),
      ...(upstreamIdleMs === undefined ? {} : { [ENV.upstreamIdleMs]: String(upstreamIdleMs) }),
    };
    const props = { handler, description, timeout, environment, settings, isNeverRetried };
    return new GatewayFunction(this.#scope, id, props);
  }

  /** Adds a rule that invokes a function at a fixed interval. */
  schedule(target: GatewayFunction, ruleId: string, description: string, interval: Duration): void {
    new Rule(this.#scope, ruleId, {
      description,
      schedule: Schedule.rate(interval),
      targets: [new LambdaFunction(target.function)],
    });
  }
}
