import { DynamoAudit } from '../adapters/dynamo-audit.ts';
import { DynamoBudgets } from '../adapters/dynamo-budgets.ts';
import { Registry } from '../adapters/registry.ts';
import { TeamKeys } from '../adapters/team-keys.ts';
import { CUSTOM_RESOURCE } from '../contract.ts';
import { createCustomResource } from './custom-resource.ts';
import { readVariables } from './environment-variables.ts';
import { publishHandler, teamKeysHandler } from './publish-resources.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

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
