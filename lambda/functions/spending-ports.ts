import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import type { Clock } from '../kernel/clock.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import { Registry } from '../policy/io/registry.ts';
import type { SpendingPorts } from '../reporting/read-spending.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import type { AdminTables } from './admin-ports.ts';

/** Creates the read-only ports of the spending reports over DynamoDB: usage, key names, budgets and policies. */
export function createSpendingPorts(
  client: DynamoDBClient,
  tables: AdminTables,
  { nowEpochMs, sleep }: Pick<Clock, 'nowEpochMs' | 'sleep'>,
): SpendingPorts {
  const { environmentName, ledgerTable, registryTable, usageTable } = tables;
  const registry = new Registry(client, registryTable, nowEpochMs);
  return {
    usage: new DynamoUsage(client, usageTable, nowEpochMs),
    keyNames: new DynamoKeyStore(client, registryTable, nowEpochMs),
    ledger: new DynamoBudgets(client, ledgerTable, nowEpochMs),
    policies: async () => await registry.policies(),
    environmentName,
    nowEpochMs,
    sleep,
  };
}
