import { TeamKeys } from '../access/io/team-keys.ts';
import { CUSTOM_RESOURCE } from '../contract.ts';
import { createCustomResource } from '../deployment/io/custom-resource.ts';
import { publishHandler, teamKeysHandler } from '../deployment/io/publish-resources.ts';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import { DynamoAudit } from '../policy/io/dynamo-audit.ts';
import { Registry } from '../policy/io/registry.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = dynamoClient();

/** The entry point of the function that puts policies in force at a deployment. */
export const handler = createCustomResource(
  {
    [CUSTOM_RESOURCE.policies]: publishHandler(() => ({
      policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
      ledger: new DynamoBudgets(client, variables.ledgerTable, systemClock.nowEpochMs),
      audit: new DynamoAudit(client, variables.registryTable),
      nowEpochMs: systemClock.nowEpochMs(),
    })),
    [CUSTOM_RESOURCE.teamKeys]: teamKeysHandler(new TeamKeys(client, variables.registryTable, systemClock.nowEpochMs)),
  },
  systemLog,
);
