import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTables } from '../gateway-table.ts';

/** Lets a function read what all teams have spent, their policies and what their keys are called; and write nothing. */
export function grantReadSpending(reader: GatewayFunction, { ledger, registry, usage }: GatewayTables): void {
  ledger.grantItems(reader, ['GetItem'], ['TEAM#*', 'ORG']);
  registry.grantItems(reader, ['GetItem', 'Query'], ['POLICIES*']);
  // The lists of keys have their names, and neither hashes nor roles.
  registry.grantItems(reader, ['Query'], ['TEAM#*']);
  usage.grantItems(reader, ['Query'], ['TEAM#*']);
}
