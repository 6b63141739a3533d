import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AdminPorts } from '../core/administration.ts';
import type { TeamPolicy } from '../core/environment.ts';
import { readKeyUse } from '../core/key-use.ts';
import { DynamoAudit } from './dynamo-audit.ts';
import { DynamoBudgets } from './dynamo-budgets.ts';
import { DynamoUsage } from './dynamo-usage.ts';
import { DynamoIdempotency } from './idempotency.ts';
import { parseTime } from './iso-time.ts';
import { DynamoKeyShelf } from './key-shelf.ts';
import { Registry } from './registry.ts';

/** Which tables, and what keys are named after. */
export type AdminTables = {
  readonly environmentName: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
};

/** What administration needs, over DynamoDB; the policies as they stand at the moment of the request. */
export function adminPorts(
  client: DynamoDBClient,
  tables: AdminTables,
  nowEpochMs: () => number,
): () => Promise<AdminPorts> {
  const { environmentName, ledgerTable, registryTable, usageTable } = tables;
  const registry = new Registry(client, registryTable, nowEpochMs);
  const audit = new DynamoAudit(client, registryTable);
  const shelf = new DynamoKeyShelf(client, registryTable, environmentName, nowEpochMs);
  const ledger = new DynamoBudgets(client, ledgerTable, nowEpochMs);
  const idempotency = new DynamoIdempotency(client, registryTable, nowEpochMs);
  const usage = new DynamoUsage(client, usageTable, nowEpochMs);
  return async () => {
    const teams: ReadonlyMap<string, TeamPolicy> = (await registry.inForce())?.environment.teams ?? new Map();
    return {
      shelf,
      audit,
      ledger,
      idempotency,
      newId: randomUUID,
      readAudit: async (period, most, team) => await audit.newest(period, most, team),
      readUse: async (records) => await readKeyUse(usage, records, nowEpochMs()),
      rules: { teams, environmentName, nowEpochMs: nowEpochMs(), parseTime },
    };
  };
}
