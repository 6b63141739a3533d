import { SNSClient } from '@aws-sdk/client-sns';
import { dynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import { DynamoAudit } from '../policy/io/dynamo-audit.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoKeyShelf } from '../team-keys/io/key-shelf.ts';
import { createRetirement } from '../team-keys/io/retire-handler.ts';
import { OperatorsTopic } from '../telemetry/io/operators-topic.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { readTopicVariable, readVariables } from './environment-variables.ts';

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
