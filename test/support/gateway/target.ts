import { readFileSync } from 'node:fs';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';

/** A gateway that a suite calls, wherever it runs. */
export type Target = Pick<GatewayProcess, 'baseUrl' | 'adminKey' | 'teams' | 'upstreamUrl'> & {
  close(): Promise<void>;
};

/** A deployed gateway, with what the tests of the deployment itself need. */
export type DeployedTarget = Omit<Target, 'close'> & {
  readonly environmentName: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
  readonly stackName: string;
};

/** The deployment that this run is for, if it is for one: `local/aws/rehearse.ts` names its file. */
export function deployedTarget(): DeployedTarget | undefined {
  const file = process.env.DEPLOYED_TARGET;
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as DeployedTarget);
}

/** The same, for tests that make sense on a deployment only. */
export function requireDeployed(): DeployedTarget {
  const target = deployedTarget();
  if (target === undefined) throw new Error('DEPLOYED_TARGET is not set: run these tests by npm run rehearse');
  return target;
}

/** The deployed gateway, which has the environment's teams among its own, or a local one started for it. */
export async function startTarget(environment: { readonly teams: object }): Promise<Target> {
  const deployed = deployedTarget();
  if (deployed === undefined) return await startGatewayProcess({ environment });
  const missing = Object.keys(environment.teams).filter((team) => deployed.teams[team] === undefined);
  if (missing.length > 0) throw new Error(`the deployed environment has no team ${missing.join(', ')}`);
  return { ...deployed, close: async () => {} };
}
