import { readFileSync } from 'node:fs';
import { picoUsd } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { type Catalog, parseCatalog } from '../../lambda/pricing/catalog.ts';
import { StartError } from '../../local/settings.ts';
import { CommandError } from '../command-error.ts';
import type { Progress } from '../progress.ts';
import { runScenarios, supportedScenarios } from '../prove/scenario-runner.ts';
import { budgetForCalls, type Scenario } from '../prove/scenarios/scenario.ts';
import { SCENARIOS } from '../prove/scenarios/scenarios.ts';
import { cleanUpOnSignals } from '../prove/signals.ts';
import { spendingNotice } from '../prove/targets/deployed-target.ts';
import { localCallTemplate, openLocalTarget } from '../prove/targets/local-target.ts';
import { openDeployedTarget } from '../prove/targets/open-deployed-target.ts';
import type { Target } from '../prove/targets/target.ts';
import type { EnvironmentSelector } from '../stores.ts';

/** Options of `prove`. Without an environment the command starts gateways of its own. */
export type ProveOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  readonly upstream: string | undefined;
  /** Ids of scenarios; undefined means all. */
  readonly only: readonly string[] | undefined;
  readonly calls: number;
  readonly atOnce: number;
  readonly processes: number;
  /** The folder for the report. */
  readonly out: string;
  readonly json: boolean;
};

/** `prove`: overloads a gateway's budgets and writes a report. Returns whether every budget held. */
export async function prove(options: ProveOptions, progress: Progress): Promise<boolean> {
  const { env, local, team, upstream, calls, atOnce: concurrency, processes, out, json } = options;
  const chosen = chooseScenarios(options.only);
  const isOwn = env === undefined && !local;
  for (const [name, value] of Object.entries({ team, upstream })) {
    if (isOwn && value !== undefined)
      throw new CommandError(`--${name} needs a running gateway: add --env <environment>, or --local`);
  }
  let opening: Promise<Target> | undefined;
  const { signal, dispose } = cleanUpOnSignals(async () => {
    // Also a target that is still being opened: it may have created a key.
    await (await opening?.catch(() => undefined))?.close();
  });
  let target: Target | undefined;
  try {
    opening = isOwn
      ? openLocal(processes, calls)
      : openDeployedTarget({ env, local, team, upstream, calls, concurrency });
    target = await opening;
    const attack = { target, calls, concurrency };
    const scenarios = supportedScenarios(chosen, target);
    if (scenarios.length === 0)
      throw new CommandError(
        `--only ${options.only?.join(',')} needs a ${chosen[0]?.needs}, which this gateway does not have`,
      );
    // Printed even with --json: the calls spend the team's money.
    if (!isOwn) console.error(spendingNotice(target, budgetForCalls(attack, calls), scenarios.length));
    return await runScenarios(attack, scenarios, { out, json, signal }, progress);
  } catch (error) {
    // After Ctrl-C the failures are expected; the signal handler ends the process.
    if (signal.aborted) await new Promise(() => {});
    throw error;
  } finally {
    await target?.close();
    dispose();
  }
}

async function openLocal(processes: number, calls: number): Promise<Target> {
  const catalog = readCatalog();
  const budget = picoUsd(localCallTemplate(catalog).costPicoUsd * BigInt(calls));
  try {
    return await openLocalTarget(processes, budget, catalog);
  } catch (cause) {
    if (cause instanceof StartError) throw new CommandError(cause.message, { cause });
    throw cause;
  }
}

/** Finds scenarios by id. @throws CommandError for an unknown id. */
function chooseScenarios(only: readonly string[] | undefined): readonly Scenario[] {
  if (only === undefined) return SCENARIOS;
  const ids = SCENARIOS.map(({ id }) => id);
  const unknown = only.find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw new CommandError(`--only has "${unknown}"; the scenarios are ${ids.join(', ')}${didYouMean(unknown, ids)}`);
  return SCENARIOS.filter(({ id }) => only.includes(id));
}

function readCatalog(): Catalog {
  const file = new URL('../../config/catalog.json', import.meta.url);
  return parseCatalog('config/catalog.json', JSON.parse(readFileSync(file, 'utf8')));
}
