import { didYouMean } from '../../../lambda/kernel/nearest-word.ts';
import { Registry } from '../../../lambda/policy/io/registry.ts';
import { CommandError } from '../../command-error.ts';
import { type EnvironmentSelector, openStores } from '../../stores.ts';
import { TemporaryKeys } from '../../temporary-keys.ts';
import { createBudgetAdjuster } from './budget-adjuster.ts';
import { createDeployedTarget, requireSufficientLimits } from './deployed-target.ts';
import type { Target } from './target.ts';
import { createUpstreamCounter, readServed } from './upstream-counter.ts';

/** The deployed team to attack, and the size of the attack. */
export type DeployedAttackOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  /** The URL of the deployment's fake Groq, if it has one. */
  readonly upstream: string | undefined;
  readonly calls: number;
  readonly concurrency: number;
};

/** Lifetime of the proof's key, in case it cannot be deleted. */
const KEY_TTL_MS = 3_600_000;

/**
 * Opens a deployed gateway for an attack on one team's budget, with a temporary key.
 *
 * @throws CommandError when the team is missing, unknown, or limited by something other than money. Its methods throw one
 * when the budget cannot be changed or restored.
 */
export async function openDeployedTarget({
  team,
  upstream,
  calls,
  concurrency,
  ...selector
}: DeployedAttackOptions): Promise<Target> {
  if (team === undefined || team === '')
    throw new CommandError('missing --team <team>: use a team for tests, because its budget is spent');
  const deployment = await openStores(selector);
  const env = deployment.environmentName;
  const readPublished = () => new Registry(deployment.dynamo, deployment.registryTable, Date.now).readCurrent();
  const published = await readPublished();
  if (published === undefined) throw new CommandError(`${env} has no published policies; deploy it again`);
  const { environment, catalog } = published;
  const policy = environment.teams.get(team);
  if (policy === undefined)
    throw new CommandError(`${env} has no team "${team}"${didYouMean(team, environment.teams.keys())}`);
  requireSufficientLimits({ policy, catalog }, calls, concurrency);
  // Fails on a wrong --upstream before a key is created.
  if (upstream !== undefined) await readServed(upstream);
  // A team that was removed from the policies meanwhile gets its former budget.
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
    // Idempotent: both the end of the command and a signal close it.
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
