import { randomUUID } from 'node:crypto';
import { DynamoLedger } from '../adapters/dynamo-ledger.ts';
import { DynamoUsage } from '../adapters/dynamo-usage.ts';
import { GroqKeys } from '../adapters/groq-keys.ts';
import { GroqUpstream } from '../adapters/groq-upstream.ts';
import { DynamoRefusals } from '../adapters/refusal-item.ts';
import { Registry } from '../adapters/registry.ts';
import { TeamKeys } from '../adapters/team-keys.ts';
import { Headroom } from '../core/headroom.ts';
import { HeadroomMetrics } from '../core/headroom-metrics.ts';
import { RecentOutputs } from '../core/recent-outputs.ts';
import { GatewayWatch } from '../core/request-watch.ts';
import { readVariables } from './environment-variables.ts';
import { createGateway } from './gateway-handler.ts';
import { dynamoClient, metricWriter, secretsClient, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);
const client = dynamoClient();
const keys = new GroqKeys(secretsClient(), variables.environmentName, systemClock.nowEpochMs, systemLog);
const headroom = new Headroom();
const writeMetrics = metricWriter(variables.metricsFile);
const watch = new GatewayWatch({
  store: new DynamoRefusals(client, variables.ledgerTable, systemClock.nowEpochMs),
  clock: systemClock,
  newId: randomUUID,
  log: systemLog,
  write: writeMetrics,
  environmentName: variables.environmentName,
});

/** Writes down what no request has written yet: for a host that ends in its own time, as Lambda does not. */
export const finish = async (): Promise<void> => await watch.close();

/** The gateway function's entry point. */
export const handler = createGateway({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  keyNames: new TeamKeys(client, variables.registryTable, systemClock.nowEpochMs),
  upstream: new GroqUpstream({
    baseUrl: variables.groqBaseUrl,
    keys,
    clock: systemClock,
    log: systemLog,
    limits: new HeadroomMetrics(headroom, variables.environmentName, writeMetrics),
  }),
  watch,
  clock: systemClock,
  newId: randomUUID,
  log: systemLog,
  outputs: new RecentOutputs(),
  headroom,
});
