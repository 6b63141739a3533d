import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoKeyStore } from '../lambda/access/io/dynamo-key-store.ts';
import { findServedModel } from '../lambda/access/model-list.ts';
import { publishPolicies } from '../lambda/deployment/publish.ts';
import { MS_PER_DAY, periodAt } from '../lambda/kernel/period.ts';
import { DynamoBudgets } from '../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoLedger } from '../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoAuditLog } from '../lambda/policy/io/dynamo-audit-log.ts';
import { Registry } from '../lambda/policy/io/registry.ts';
import type { Configuration } from './configuration.ts';
import type { TableNames } from './dynamodb/tables.ts';
import { deriveKey } from './local-keys.ts';

/** The tables of a local gateway, and the seed of its keys. */
export type LocalStores = {
  readonly client: DynamoDBClient;
  readonly tables: TableNames;
  readonly environmentName: string;
  readonly keySeed: Buffer;
};

/** Keys of a local gateway, and for each team a model that it can call. */
export type LocalKeys = {
  readonly adminKey: string;
  readonly teams: Readonly<Record<string, { readonly key: string; readonly model: string | undefined }>>;
};

/** Publishes policies and prices as a deployment does, and creates the missing keys. */
export async function publishConfiguration(
  stores: LocalStores,
  { environment, environmentFile, catalog, catalogFile }: Configuration,
): Promise<LocalKeys> {
  const { client, tables } = stores;
  const ports = {
    policies: new Registry(client, tables.registryTable, Date.now),
    ledger: new DynamoBudgets(client, tables.ledgerTable, Date.now),
    audit: new DynamoAuditLog(client, tables.registryTable),
    nowEpochMs: Date.now(),
  };
  await publishPolicies(ports, {
    environment: environmentFile,
    catalog: catalogFile,
    infrastructure: {},
    infrastructureBefore: undefined,
    actor: 'npm start',
    requestId: randomUUID(),
  });
  const teams: Record<string, { key: string; model: string | undefined }> = {};
  for (const [team, policy] of environment.teams)
    teams[team] = { key: await ensureKey(stores, team), model: findServedModel(policy, catalog) };
  return { teams, adminKey: await ensureKey(stores, 'admin') };
}

/**
 * Expires all open reservations of this period and the last. Call it only while no other gateway uses the database: then
 * nobody is left to settle them.
 */
export async function expireOrphanedReservations(
  { client, tables }: LocalStores,
  teams: Iterable<string>,
): Promise<void> {
  const ledger = new DynamoLedger(client, tables.ledgerTable, Date.now);
  const nowEpochMs = Date.now();
  for (const team of teams)
    for (const period of new Set([periodAt(nowEpochMs), periodAt(nowEpochMs - MS_PER_DAY)])) {
      const state = await ledger.read({ team, period });
      await ledger.expire({ team, period }, [...(state?.open.values() ?? [])]);
    }
}

/** Returns the key of a team or of `admin`. An existing key is left as it is, because it may be revoked or rotated. */
async function ensureKey({ client, tables, environmentName, keySeed }: LocalStores, holder: string): Promise<string> {
  const { key, keyId } = deriveKey(keySeed, environmentName, holder);
  const keys = new DynamoKeyStore(client, tables.registryTable, Date.now);
  if (await keys.has(keyId)) return key;
  const identity =
    holder === 'admin' ? { keyId, role: 'admin' as const } : { keyId, role: 'member' as const, team: holder };
  await keys.put(key, { ...identity, name: `${holder}-${environmentName}-local`, createdAtEpochMs: Date.now() });
  return key;
}
