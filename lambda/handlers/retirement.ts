import { SNSClient } from '@aws-sdk/client-sns';
import { DynamoAudit } from '../adapters/dynamo-audit.ts';
import { DynamoBudgets } from '../adapters/dynamo-budgets.ts';
import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { DynamoKeyShelf } from '../adapters/key-shelf.ts';
import { OperatorsTopic } from '../adapters/operators-topic.ts';
import { Registry } from '../adapters/registry.ts';
import { readTopicVariable, readVariables } from './environment-variables.ts';
import { createRetirement } from './retire-handler.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const { environmentName, registryTable, ledgerTable, usageTable } = readVariables(process.env);
const { nowEpochMs } = systemClock;
const client = dynamoClient();
const registry = new Registry(client, registryTable, nowEpochMs);
const topic = new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env));

/** The entry point of the function that retires replaced keys. */
export const handler = createRetirement({
  shelf: new DynamoKeyShelf(client, registryTable, environmentName, nowEpochMs),
  audit: new DynamoAudit(client, registryTable),
  ledger: new DynamoBudgets(client, ledgerTable, nowEpochMs),
  usage: new DynamoUsage(client, usageTable, nowEpochMs),
  teams: async () => (await registry.inForce())?.environment.teams.keys() ?? [],
  tell: async (subject, lines) => await topic.tell(subject, lines),
  nowEpochMs,
  environmentName,
  log: systemLog,
});
