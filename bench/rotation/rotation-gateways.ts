import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GatewayClock } from '../../bin/prove/gateway-clock.ts';
import type { EmbeddedDynamodb } from '../../local/dynamodb/embedded-dynamodb.ts';
import type { FakeGroq } from '../../local/fake-groq/server.ts';
import { type GatewayProcess, startGatewayProcess } from '../../local/host/gateway-process.ts';
import type { SecretsEndpoint } from '../../local/secrets-manager/secrets-endpoint.ts';

/** The team whose key is rotated, and its environment. */
export const TEAM = 'rotated';
export const ENVIRONMENT = 'rotation';

/** The services that the gateways share. */
export type SharedServices = {
  readonly fake: FakeGroq;
  readonly database: EmbeddedDynamodb;
  readonly endpoint: SecretsEndpoint;
  readonly canaryMinutes: number;
  /** Undefined for the machine's clock. */
  readonly clock: GatewayClock | undefined;
};

/** Starts gateway processes on the shared services, one after another because the first creates the tables. */
export async function startRotationGateways(
  dir: string,
  processes: number,
  { fake, database, endpoint, canaryMinutes, clock }: SharedServices,
): Promise<readonly GatewayProcess[]> {
  const environment = join(dir, `${ENVIRONMENT}.json`);
  const policy = rotationPolicy(canaryMinutes);
  writeFileSync(environment, JSON.stringify({ organization: { monthlyCapUsd: 10_000 }, teams: { [TEAM]: policy } }));
  const env = {
    GROQ_BASE_URL: fake.baseUrl,
    DYNAMODB_ENDPOINT: database.endpoint,
    SECRETS_ENDPOINT: endpoint.endpoint,
    // As under npm, so that a gateway exits when its parent is killed.
    npm_lifecycle_event: 'rotation',
    ...clock?.env,
  };
  const nodeArguments = clock?.nodeArguments ?? [];
  const gateways: GatewayProcess[] = [];
  for (let index = 0; index < processes; index++) {
    const dataDir = join(dir, `process-${index}`);
    gateways.push(await startGatewayProcess({ environment, env, dataDir, nodeArguments }));
  }
  return gateways;
}

/** A policy without limits except the budget and the concurrency. */
function rotationPolicy(canaryMinutes: number): object {
  return {
    allowedModels: ['openai/gpt-oss-20b'],
    monthlyBudgetUsd: 10_000,
    // Simulated clocks differ by up to a minute between processes, which a rate per minute would notice.
    rateLimitRpm: null,
    rateLimitTpm: null,
    maxConcurrent: 200,
    maxQueueMs: 2_000,
    canaryMinutes,
  };
}
