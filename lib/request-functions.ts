import { Duration } from 'aws-cdk-lib';
import { RESPONSE_TIMEOUT } from './api/api-methods.ts';
import type { FunctionFactory } from './function-factory.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { GatewayTable, GatewayTables } from './gateway-table.ts';
import type { TeamSecrets } from './keys/team-secrets.ts';

const AUTHORIZER_TIMEOUT = Duration.seconds(10);
const ADMIN_TIMEOUT = Duration.seconds(25);

/** Adds the authorizer, which identifies the caller of each request. It reads keys and nothing else. */
export function addAuthorizer(factory: FunctionFactory, { registry }: GatewayTables): GatewayFunction {
  const authorizer = factory.add('Authorizer', 'authorizer', 'Identifies the caller by its key', AUTHORIZER_TIMEOUT);
  registry.grantItems(authorizer, ['GetItem'], ['KEY#*']);
  return authorizer;
}

/** Adds the gateway function, which admits a call, reserves its maximum cost, calls Groq and settles. */
export function addGateway(factory: FunctionFactory, tables: GatewayTables, groqSecrets: TeamSecrets): GatewayFunction {
  const { ledger, registry, usage } = tables;
  const gateway = factory.add('Gateway', 'gateway', 'Admits calls and forwards them to Groq', RESPONSE_TIMEOUT);
  ledger.grantItems(gateway, ['GetItem', 'UpdateItem', 'ConditionCheckItem'], ['TEAM#*', 'ORG']);
  registry.grantItems(gateway, ['GetItem', 'Query'], ['POLICIES*']);
  // A team's list of keys contains their names, but no hashes and no roles.
  registry.grantItems(gateway, ['Query'], ['TEAM#*']);
  usage.grantItems(gateway, ['Query'], ['TEAM#*']);
  // Version labels show the staged keys; the oldest staged key is the fallback where Groq rejects both keys in use.
  groqSecrets.grant(gateway, ['DescribeSecret', 'GetSecretValue']);
  return gateway;
}

/** Adds the admin function, the only one that may create, rotate and revoke keys on request. It sees no prompts. */
export function addAdmin(factory: FunctionFactory, { ledger, registry, usage }: GatewayTables): GatewayFunction {
  const admin = factory.add('Admin', 'admin', 'Administers keys', ADMIN_TIMEOUT);
  registry.grantItems(admin, ['GetItem', 'Query'], ['POLICIES*']);
  registry.grantItems(admin, ['GetItem', 'PutItem', 'UpdateItem'], ['KEY#*']);
  registry.grantItems(admin, ['Query', 'PutItem'], ['TEAM#*']);
  registry.grantItems(admin, ['GetItem', 'PutItem', 'DeleteItem'], ['IDEMPOTENCY#*']);
  registry.grantItems(admin, ['PutItem', 'Query'], ['AUDIT#*']);
  // Metadata of Groq keys; the keys themselves are in no table.
  registry.grantItems(admin, ['Query'], ['GROQKEYS#*']);
  usage.grantItems(admin, ['Query'], ['TEAM#*']);
  grantRevocation(admin, ledger);
  return admin;
}

/** Lets a function mark revoked keys in the team ledgers, which refuse their calls at once. */
export function grantRevocation(revoker: GatewayFunction, ledger: GatewayTable): void {
  ledger.grantItems(revoker, ['GetItem', 'UpdateItem'], ['TEAM#*']);
  ledger.grantItems(revoker, ['GetItem'], ['ORG']);
}
