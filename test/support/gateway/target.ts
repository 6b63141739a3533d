import { readFileSync } from 'node:fs';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

/** The gateway that a test suite calls: local or deployed. */
export type Target = Pick<GatewayProcess, 'baseUrl' | 'adminKey' | 'teams' | 'upstreamUrl'> & {
  close(): Promise<void>;
};

/** A deployed gateway, with the names of its resources. */
export type DeployedTarget = Omit<Target, 'close'> & {
  readonly environmentName: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  readonly stackName: string;
  /** Address of the server that receives the deployment's alerts; see local/aws/alert-subscriber.ts. */
  readonly alertsUrl: string;
};

/** The deployment to test, if any. `local/aws/rehearse.ts` sets the path of its description. */
export function deployedTarget(): DeployedTarget | undefined {
  const file = process.env.DEPLOYED_TARGET;
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as DeployedTarget);
}

/** The deployment to test, for tests that need one. */
export function requireDeployed(): DeployedTarget {
  const target = deployedTarget();
  if (target === undefined) throw new Error('DEPLOYED_TARGET is not set: run these tests with npm run rehearse');
  return target;
}

/** The deployed gateway, which must have the environment's teams, or else a new local one. */
export async function startTarget(environment: { readonly teams: object }): Promise<Target> {
  const deployed = deployedTarget();
  if (deployed === undefined) return await startGatewayProcess({ environment });
  const missing = Object.keys(environment.teams).filter((team) => deployed.teams[team] === undefined);
  if (missing.length > 0) throw new Error(`the deployed environment has no team ${missing.join(', ')}`);
  return { ...deployed, close: async () => {} };
}
