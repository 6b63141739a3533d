import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../core/ports.ts';
import type { SpendingPorts } from '../core/read-spending.ts';
import type { AdminTables } from './admin-ports.ts';
import { DynamoBudgets } from './dynamo-budgets.ts';
import { DynamoUsage } from './dynamo-usage.ts';
import { Registry } from './registry.ts';
import { TeamKeys } from './team-keys.ts';

/** Where reports read spending: usage, ledgers and what is in force, over DynamoDB. Nothing is written. */
export function spendingPorts(
  client: DynamoDBClient,
  tables: AdminTables,
  { nowEpochMs, sleep }: Pick<Clock, 'nowEpochMs' | 'sleep'>,
): SpendingPorts {
  const { environmentName, ledgerTable, registryTable, usageTable } = tables;
  const registry = new Registry(client, registryTable, nowEpochMs);
  return {
    usage: new DynamoUsage(client, usageTable, nowEpochMs),
    keyNames: new TeamKeys(client, registryTable, nowEpochMs),
    ledger: new DynamoBudgets(client, ledgerTable, nowEpochMs),
    policies: async () => await registry.policies(),
    environmentName,
    nowEpochMs,
    sleep,
  };
}
