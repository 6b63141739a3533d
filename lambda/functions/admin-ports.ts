import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readGroqKeys } from '../groq-keys/groq-key-list.ts';
import { DynamoGroqKeyRecords } from '../groq-keys/io/groq-key-records.ts';
import type { AdminPorts } from '../http/administration.ts';
import { parseTime } from '../kernel/iso-time.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { DynamoAudit } from '../policy/io/dynamo-audit.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoIdempotency } from '../team-keys/io/idempotency.ts';
import { DynamoKeyShelf } from '../team-keys/io/key-shelf.ts';
import { readKeyUse } from '../team-keys/key-use.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';

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
  const records = new DynamoGroqKeyRecords(client, registryTable);
  return async () => {
    const teams: ReadonlyMap<string, TeamPolicy> = (await registry.inForce())?.environment.teams ?? new Map();
    return {
      shelf,
      audit,
      ledger,
      idempotency,
      newId: randomUUID,
      readAudit: async (period, most, team) => await audit.newest(period, most, team),
      readGroqKeys: async (asked) => await readGroqKeys({ records, use: usage }, asked, nowEpochMs()),
      readUse: async (records) => await readKeyUse(usage, records, nowEpochMs()),
      rules: { teams, environmentName, nowEpochMs: nowEpochMs(), parseTime },
    };
  };
}
