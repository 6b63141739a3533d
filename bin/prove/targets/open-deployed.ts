import { didYouMean } from '../../../lambda/kernel/nearest-word.ts';
import { Registry } from '../../../lambda/policy/io/registry.ts';
import { CommandError } from '../../deployment.ts';
import { openStores, type Where } from '../../stores.ts';
import { TemporaryKeys } from '../../temporary-keys.ts';
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
 * @throws CommandError when the team is not named, not there, or too narrow; and when the budget cannot be moved, or at
 * its close not be given back.
 */
export async function openDeployed({ team, upstream, calls, atOnce, ...where }: DeployedAttack): Promise<Target> {
  if (team === undefined || team === '')
    throw new CommandError('--team is missing: name a team that is there for tests; its budget is spent');
  const deployment = await openStores(where);
  const env = deployment.environmentName;
  const readPublished = () => new Registry(deployment.dynamo, deployment.registryTable, Date.now).inForce();
  const published = await readPublished();
  if (published === undefined) throw new CommandError(`${env} has no policies in force; deploy it again`);
  const { environment, catalog } = published;
  const policy = environment.teams.get(team);
  if (policy === undefined)
    throw new CommandError(`${env} has no team "${team}"${didYouMean(team, environment.teams.keys())}`);
  requireRoom({ policy, catalog }, calls, atOnce);
  // Before anything is made: an address that is no fake's is a mistake on the command line.
  if (upstream !== undefined) await readServed(upstream);
  // A team that is gone from the policies since then gets what it had.
  const readPolicy = async () => (await readPublished())?.environment.teams.get(team) ?? policy;
  const keys = new TemporaryKeys(deployment, 'prove', KEY_LIFE_MS);
  try {
    const { key } = await keys.make(team);
    const target = deployedTarget({
      environmentName: env,
      endpoint: deployment.endpoint,
      policy,
      key,
      catalog,
      upstream: upstream === undefined ? undefined : countOf(() => readServed(upstream), catalog),
      giver: budgetGiverOf(deployment, readPolicy),
    });
    let closing: Promise<void> | undefined;
    // Once, whoever asks: the end of the command, a signal, or both.
    const close = () => {
      closing ??= target.close().finally(() => keys.forgetAll());
      return closing;
    };
    return { ...target, close };
  } catch (error) {
    await keys.forgetAll();
    throw error;
  }
}
