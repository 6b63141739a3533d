import { randomUUID } from 'node:crypto';
import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { RecentOutputs } from '../chat/recent-outputs.ts';
import { GatewayRequestRecorder } from '../chat/request-recorder.ts';
import { Headroom } from '../groq/headroom.ts';
import { HeadroomMetrics } from '../groq/headroom-metrics.ts';
import { GroqKeys } from '../groq/io/groq-keys.ts';
import { GroqUpstream } from '../groq/io/groq-upstream.ts';
import { createGatewayHandler } from '../http/io/gateway-handler.ts';
import {
  createDynamoClient,
  createMetricWriter,
  createSecretsClient,
  systemClock,
  systemLog,
} from '../kernel/io/system.ts';
import { DynamoLedger } from '../ledger/io/dynamo-ledger.ts';
import { Registry } from '../policy/io/registry.ts';
import { DynamoUsage } from '../usage/io/dynamo-usage.ts';
import { DynamoRefusals } from '../usage/io/refusal-item.ts';
import { readUpstreamLimits, readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();
const keys = new GroqKeys(createSecretsClient(), variables.environmentName, systemClock.nowEpochMs, systemLog);
const headroom = new Headroom();
const writeMetrics = createMetricWriter(variables.metricsFile);
const recorder = new GatewayRequestRecorder({
  store: new DynamoRefusals(client, variables.ledgerTable, systemClock.nowEpochMs),
  clock: systemClock,
  newId: randomUUID,
  log: systemLog,
  write: writeMetrics,
  environmentName: variables.environmentName,
});

/** Flushes buffered refusal counts. For the local host, which stops in an orderly way; Lambda gives no such chance. */
export const finish = async (): Promise<void> => await recorder.close();

/** Entry point of the gateway function. */
export const handler = createGatewayHandler({
  policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
  ledger: new DynamoLedger(client, variables.ledgerTable, systemClock.nowEpochMs),
  usage: new DynamoUsage(client, variables.usageTable, systemClock.nowEpochMs),
  keyNames: new DynamoKeyStore(client, variables.registryTable, systemClock.nowEpochMs),
  upstream: new GroqUpstream({
    baseUrl: variables.groqBaseUrl,
    keys,
    clock: systemClock,
    log: systemLog,
    limits: new HeadroomMetrics(headroom, variables.environmentName, writeMetrics),
    timeouts: readUpstreamLimits(process.env),
  }),
  recorder,
  clock: systemClock,
  newId: randomUUID,
  log: systemLog,
  outputs: new RecentOutputs(),
  headroom,
});
