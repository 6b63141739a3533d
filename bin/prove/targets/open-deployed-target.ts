import { didYouMean } from '../../../lambda/kernel/nearest-word.ts';
import { Registry } from '../../../lambda/policy/io/registry.ts';
import { CommandError } from '../../command-error.ts';
import { type EnvironmentSelector, openStores } from '../../stores.ts';
import { TemporaryKeys } from '../../temporary-keys.ts';
import { createBudgetAdjuster } from './budget-adjuster.ts';
import { createDeployedTarget, requireSufficientLimits } from './deployed-target.ts';
import type { Target } from './target.ts';
import { createUpstreamCounter, readServed } from './upstream-counter.ts';

/** Which deployed team is attacked, and how hard. */
export type DeployedAttackOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  /** The address of the fake Groq behind the deployment, if it is one. */
  readonly upstream: string | undefined;
  readonly calls: number;
  readonly concurrency: number;
};

/** How long the key made for a proof would work if it could not be taken away, in milliseconds. */
const KEY_TTL_MS = 3_600_000;

/**
 * Opens a deployed gateway for an attack on one team's budget, with a key of the proof's own.
 *
 * @throws CommandError when the team is not named, not there, or too narrow; and when the budget cannot be moved, or at
 * its close not be given back.
 */
export async function openDeployedTarget({
  team,
  upstream,
  calls,
  concurrency,
  ...where
}: DeployedAttackOptions): Promise<Target> {
  if (team === undefined || team === '')
    throw new CommandError('missing --team <team>: use a team for tests, because its budget is spent');
  const deployment = await openStores(where);
  const env = deployment.environmentName;
  const readPublished = () => new Registry(deployment.dynamo, deployment.registryTable, Date.now).readCurrent();
  const published = await readPublished();
  if (published === undefined) throw new CommandError(`${env} has no policies in force; deploy it again`);
  const { environment, catalog } = published;
  const policy = environment.teams.get(team);
  if (policy === undefined)
    throw new CommandError(`${env} has no team "${team}"${didYouMean(team, environment.teams.keys())}`);
  requireSufficientLimits({ policy, catalog }, calls, concurrency);
  // Before anything is made: an address that is no fake's is a mistake on the command line.
  if (upstream !== undefined) await readServed(upstream);
  // A team that is gone from the policies since then gets what it had.
  const readPolicy = async () => (await readPublished())?.environment.teams.get(team) ?? policy;
  const keys = new TemporaryKeys(deployment, 'prove', KEY_TTL_MS);
  try {
    const { key } = await keys.create(team);
    const target = createDeployedTarget({
      environmentName: env,
      endpoint: deployment.endpoint,
      policy,
      key,
      catalog,
      upstream: upstream === undefined ? undefined : createUpstreamCounter(() => readServed(upstream), catalog),
      adjuster: createBudgetAdjuster(deployment, readPolicy),
    });
    let closing: Promise<void> | undefined;
    // Once, whoever asks: the end of the command, a signal, or both.
    const close = () => {
      closing ??= target.close().finally(() => keys.deleteAll());
      return closing;
    };
    return { ...target, close };
  } catch (error) {
    await keys.deleteAll();
    throw error;
  }
}
