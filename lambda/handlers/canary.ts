import { GatewayProbe } from '../adapters/gateway-probe.ts';
import { PassedDeployments } from '../adapters/passed-deployments.ts';
import { Registry } from '../adapters/registry.ts';
import { mintKey, TeamKeys } from '../adapters/team-keys.ts';
import { CANARY_KEY_PREFIX, CUSTOM_RESOURCE } from '../contract.ts';
import { canaryHandler } from './canary-resource.ts';
import { createCustomResource } from './custom-resource.ts';
import { readVariables } from './environment-variables.ts';
import { dynamoClient, systemClock, systemLog } from './system.ts';

const variables = readVariables(process.env);
const client = dynamoClient();

/** The entry point of the function that checks a deployment. */
export const handler = createCustomResource(
  {
    [CUSTOM_RESOURCE.canary]: canaryHandler({
      policies: new Registry(client, variables.registryTable, systemClock.nowEpochMs),
      keys: new TeamKeys(client, variables.registryTable, systemClock.nowEpochMs),
      mintKey: () => mintKey(variables.environmentName, CANARY_KEY_PREFIX),
      probe: (url) => new GatewayProbe(url),
      clock: systemClock,
      passed: new PassedDeployments(client, variables.registryTable, systemClock.nowEpochMs),
      log: systemLog,
    }),
  },
  systemLog,
);
