import { Duration } from 'aws-cdk-lib';
import type { FunctionFactory } from './function-factory.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayTables } from './gateway-table.ts';
import { grantRevocation } from './request-functions.ts';

/** With the minute that an event may wait, this is below CloudFormation's own timeout of a custom resource. */
export const DEPLOYMENT_TIMEOUT = Duration.minutes(3);

const SWEEP_INTERVAL = Duration.minutes(5);
/** Less than the interval, so that two sweeps never overlap. */
const SWEEP_TIMEOUT = Duration.minutes(4);

/** Timeout of one batch of the ledger's stream: many times what a hundred records need. */
const PROJECTOR_TIMEOUT = Duration.minutes(1);

const RETIREMENT_INTERVAL = Duration.hours(6);
const RETIREMENT_TIMEOUT = Duration.minutes(10);

/** Twice within the day that the alarm on usage gaps evaluates. */
const RECONCILIATION_INTERVAL = Duration.hours(12);
const RECONCILIATION_TIMEOUT = Duration.minutes(10);

/** Adds the publisher, which puts policies in force at a deployment and revokes the keys of removed teams. */
export function addPublisher(factory: FunctionFactory, { ledger, registry }: GatewayTables): GatewayFunction {
  const publisher = factory.add('Publisher', 'publisher', 'Publishes policies', DEPLOYMENT_TIMEOUT, true);
  registry.grantItems(publisher, ['GetItem', 'PutItem', 'Query', 'BatchWriteItem'], ['POLICIES*']);
  registry.grantItems(publisher, ['Query'], ['TEAM#*']);
  registry.grantItems(publisher, ['UpdateItem'], ['KEY#*']);
  // Without update and delete, so that audit entries stay as they were written.
  registry.grantItems(publisher, ['PutItem'], ['AUDIT#*']);
  ledger.grantItems(publisher, ['GetItem', 'UpdateItem', 'ConditionCheckItem'], ['TEAM#*', 'ORG']);
  return publisher;
}

/** Adds the sweeper, which expires abandoned reservations, charges their maximum cost and reports the budgets. */
export function addSweeper(factory: FunctionFactory, { ledger, registry }: GatewayTables): GatewayFunction {
  const description = 'Expires reservations past their time';
  const sweeper = factory.add('Sweeper', 'sweeper', description, SWEEP_TIMEOUT, true);
  ledger.grantItems(sweeper, ['GetItem', 'UpdateItem'], ['TEAM#*', 'ORG']);
  registry.grantItems(sweeper, ['GetItem', 'Query'], ['POLICIES*']);
  factory.schedule(sweeper, 'SweepSchedule', description, SWEEP_INTERVAL);
  return sweeper;
}

/** Adds the projector, which adds the records of the ledger's stream to the usage. It reads no table. */
export function addProjector(factory: FunctionFactory, { usage }: GatewayTables): GatewayFunction {
  const projector = factory.add('Projector', 'projector', 'Counts usage from the ledger', PROJECTOR_TIMEOUT);
  usage.grantItems(projector, ['UpdateItem'], ['TEAM#*', 'END#*']);
  return projector;
}

/** Adds the reconciler, which compares the usage with the ledgers. It writes to no table. */
export function addReconciler(factory: FunctionFactory, { ledger, registry, usage }: GatewayTables): GatewayFunction {
  const description = 'Compares usage with the ledgers';
  const reconciler = factory.add('Reconciler', 'reconciler', description, RECONCILIATION_TIMEOUT, true);
  ledger.grantItems(reconciler, ['GetItem'], ['TEAM#*', 'ORG']);
  registry.grantItems(reconciler, ['GetItem', 'Query'], ['POLICIES*']);
  usage.grantItems(reconciler, ['Query'], ['TEAM#*']);
  factory.schedule(reconciler, 'ReconciliationSchedule', description, RECONCILIATION_INTERVAL);
  return reconciler;
}

/** Adds the retirement function, which revokes replaced keys that are unused, and reports those still in use. */
export function addRetirement(factory: FunctionFactory, { ledger, registry, usage }: GatewayTables): GatewayFunction {
  const retirement = factory.add('Retirement', 'retirement', 'Retires replaced keys', RETIREMENT_TIMEOUT, true);
  registry.grantItems(retirement, ['GetItem', 'Query'], ['POLICIES*']);
  registry.grantItems(retirement, ['GetItem', 'UpdateItem'], ['KEY#*']);
  registry.grantItems(retirement, ['Query'], ['TEAM#*']);
  registry.grantItems(retirement, ['PutItem'], ['AUDIT#*']);
  usage.grantItems(retirement, ['Query'], ['TEAM#*']);
  grantRevocation(retirement, ledger);
  factory.schedule(retirement, 'RetirementSchedule', 'Retires replaced keys that nobody uses', RETIREMENT_INTERVAL);
  return retirement;
}
