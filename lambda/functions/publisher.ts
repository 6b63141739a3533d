import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { CUSTOM_RESOURCE } from '../contract.ts';
import { createCustomResourceHandler } from '../deployment/io/custom-resource.ts';
import { publishHandler, teamKeysHandler } from '../deployment/io/publish-resources.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { Registry } from '../policy/io/registry.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();

/** Entry point of the publisher, which puts policies in force at a deployment. */
export const handler = createCustomResourceHandler(
  {
    [CUSTOM_RESOURCE.policies]: publishHandler(() => ({
      policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
      ledger: new DynamoBudgets(client, variables.ledgerTable, systemClock.nowEpochMs),
      audit: new DynamoAuditLog(client, variables.registryTable),
      nowEpochMs: systemClock.nowEpochMs(),
    })),
    [CUSTOM_RESOURCE.teamKeys]: teamKeysHandler(
      new DynamoKeyStore(client, variables.registryTable, systemClock.nowEpochMs),
    ),
  },
  systemLog,
);
