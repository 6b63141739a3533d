import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readGroqKeys } from '../groq-keys/groq-key-list.ts';
import { DynamoGroqKeyRepository } from '../groq-keys/io/groq-key-repository.ts';
import type { AdminPorts } from '../http/admin-ports.ts';
import { parseTime } from '../kernel/iso-time.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoIdempotencyStore } from '../team-keys/io/dynamo-idempotency-store.ts';
import { DynamoKeyRepository } from '../team-keys/io/key-repository.ts';
import { readKeyUsage } from '../team-keys/key-usage.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';

/** The environment's name, which new keys contain, and its tables. */
export type AdminTables = {
  readonly environmentName: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
};

/** Creates a loader of the administrative API's ports over DynamoDB. Each call reads the current policies. */
export function createAdminPorts(
  client: DynamoDBClient,
  tables: AdminTables,
  nowEpochMs: () => number,
): () => Promise<AdminPorts> {
  const { environmentName, ledgerTable, registryTable, usageTable } = tables;
  const registry = new Registry(client, registryTable, nowEpochMs);
  const audit = new DynamoAuditLog(client, registryTable);
  const repository = new DynamoKeyRepository(client, registryTable, environmentName, nowEpochMs);
  const ledger = new DynamoBudgets(client, ledgerTable, nowEpochMs);
  const idempotency = new DynamoIdempotencyStore(client, registryTable, nowEpochMs);
  const usage = new DynamoUsage(client, usageTable, nowEpochMs);
  const groqKeys = new DynamoGroqKeyRepository(client, registryTable);
  return async () => {
    const teams: ReadonlyMap<string, TeamPolicy> = (await registry.readCurrent())?.environment.teams ?? new Map();
    return {
      repository,
      audit,
      ledger,
      idempotency,
      newId: randomUUID,
      readAudit: async (period, limit, team) => await audit.listNewest(period, limit, team),
      readGroqKeys: async (names) => await readGroqKeys({ records: groqKeys, use: usage }, names, nowEpochMs()),
      readUse: async (records) => await readKeyUsage(usage, records, nowEpochMs()),
      rules: { teams, environmentName, nowEpochMs: nowEpochMs(), parseTime },
    };
  };
}
