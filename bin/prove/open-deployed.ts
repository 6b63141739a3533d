import { Registry } from '../../lambda/adapters/registry.ts';
import { didYouMean } from '../../lambda/core/nearest-word.ts';
import { CommandError } from '../deployment.ts';
import { openStores, type Where } from '../stores.ts';
import { TemporaryKeys } from '../temporary-keys.ts';
import { budgetGiverOf } from './budget-giver.ts';
import { deployedTarget, requireRoom } from './deployed-target.ts';
import { countOf, readServed } from './served-upstream.ts';
import type { Target } from './target.ts';

/** Which deployed team is attacked, and how hard. */
export type DeployedAttack = Where & {
  readonly team: string | undefined;
  /** The address of the fake Groq behind the deployment, if it is one. */
  readonly upstream: string | undefined;
  readonly calls: number;
  readonly atOnce: number;
};

/** How long the key made for a proof would work if it could not be taken away, in milliseconds. */
const KEY_LIFE_MS = 3_600_000;

/**
 * Opens a deployed gateway for an attack on one team's budget, with a key of the proof's own.
 *
 * @throws CommandError when the team is not named, not there, or too narrow; and when the budget cannot be moved.
 */
export async function openDeployed({ team, upstream, calls, atOnce, ...where }: DeployedAttack): Promise<Target> {
  if (team === undefined || team === '')
    throw new CommandError('--team is missing: name a team that is there for tests; its budget is spent');
  const deployment = await openStores(where);
  const env = deployment.environmentName;
  const published = await new Registry(deployment.dynamo, deployment.registryTable, Date.now).inForce();
  if (published === undefined) throw new CommandError(`${env} has no policies in force; deploy it again`);
  const { environment, catalog } = published;
  const policy = environment.teams.get(team);
  if (policy === undefined)
    throw new CommandError(`${env} has no team "${team}"${didYouMean(team, environment.teams.keys())}`);
  requireRoom({ policy, catalog }, calls, atOnce);
  // Before anything is made: an address that is no fake's is a mistake on the command line.
  if (upstream !== undefined) await readServed(upstream);
  const giver = budgetGiverOf(deployment, policy);
  const keys = new TemporaryKeys(deployment, 'prove', KEY_LIFE_MS);
  const { key } = await keys.make(team);
  const target = deployedTarget({
    environmentName: env,
    endpoint: deployment.endpoint,
    policy,
    key,
    catalog,
    upstream: upstream === undefined ? undefined : countOf(() => readServed(upstream), catalog),
    giver,
  });
  return { ...target, close: async () => void (await Promise.allSettled([target.close(), keys.forgetAll()])) };
}
