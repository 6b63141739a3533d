import { SNSClient } from '@aws-sdk/client-sns';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { DynamoBudgets } from '../ledger/io/dynamo-budgets.ts';
import { DynamoAuditLog } from '../policy/io/dynamo-audit-log.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoKeyRepository } from '../team-keys/io/key-repository.ts';
import { createKeyRetirementHandler } from '../team-keys/io/key-retirement-handler.ts';
import { OperatorsTopic } from '../telemetry/io/operators-topic.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { readTopicVariable, readVariables } from './environment-variables.ts';

const { environmentName, registryTable, ledgerTable, usageTable } = readVariables(process.env);
const { nowEpochMs } = systemClock;
const client = createDynamoClient();
const registry = new Registry(client, registryTable, nowEpochMs);
const topic = new OperatorsTopic(new SNSClient({}), readTopicVariable(process.env));

/** Entry point of the function that retires replaced gateway keys. */
export const handler = createKeyRetirementHandler({
  repository: new DynamoKeyRepository(client, registryTable, environmentName, nowEpochMs),
  audit: new DynamoAuditLog(client, registryTable),
  ledger: new DynamoBudgets(client, ledgerTable, nowEpochMs),
  usage: new DynamoUsage(client, usageTable, nowEpochMs),
  teams: async () => (await registry.readCurrent())?.environment.teams.keys() ?? [],
  notify: async (subject, lines) => await topic.notify(subject, lines),
  nowEpochMs,
  environmentName,
  log: systemLog,
});
