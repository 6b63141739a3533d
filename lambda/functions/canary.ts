import { DynamoKeyStore } from '../access/io/dynamo-key-store.ts';
import { mintKey } from '../access/io/gateway-key.ts';
import { CANARY_KEY_PREFIX, CUSTOM_RESOURCE } from '../contract.ts';
import { canaryHandler } from '../deployment/io/canary-resource.ts';
import { createCustomResourceHandler } from '../deployment/io/custom-resource.ts';
import { GatewayProbe } from '../deployment/io/gateway-probe.ts';
import { PassedDeployments } from '../deployment/io/passed-deployments.ts';
import { createDynamoClient, systemClock, systemLog } from '../kernel/io/system.ts';
import { Registry } from '../policy/io/registry.ts';
import { readVariables } from './environment-variables.ts';

const variables = readVariables(process.env);
const client = createDynamoClient();

/** Entry point of the function that checks enforcement after a deployment. */
export const handler = createCustomResourceHandler(
  {
    [CUSTOM_RESOURCE.canary]: canaryHandler({
      policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
      keys: new DynamoKeyStore(client, variables.registryTable, systemClock.nowEpochMs),
      mintKey: () => mintKey(variables.environmentName, CANARY_KEY_PREFIX),
      probe: (url) => new GatewayProbe(url),
      clock: systemClock,
      passed: new PassedDeployments(client, variables.registryTable, systemClock.nowEpochMs),
      log: systemLog,
    }),
  },
  systemLog,
);
