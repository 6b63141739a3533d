import type { GatewayFunction } from '../gateway-function.ts';
import type { GatewayTables } from '../gateway-table.ts';

/** Lets a function read all teams' spending, policies and key names, without any write access. */
export function grantReadSpending(reader: GatewayFunction, { ledger, registry, usage }: GatewayTables): void {
  ledger.grantItems(reader, ['GetItem'], ['TEAM#*', 'ORG']);
  registry.grantItems(reader, ['GetItem', 'Query'], ['POLICIES*']);
  // Key lists contain names, but neither hashes nor roles.
  registry.grantItems(reader, ['Query'], ['TEAM#*']);
  usage.grantItems(reader, ['Query'], ['TEAM#*']);
}
