import { readFileSync } from 'node:fs';
import { picoUsd } from '../../lambda/kernel/money.ts';
import { didYouMean } from '../../lambda/kernel/nearest-word.ts';
import { type Catalog, parseCatalog } from '../../lambda/pricing/catalog.ts';
import { StartError } from '../../local/settings.ts';
import { CommandError } from '../deployment.ts';
import type { Progress } from '../progress.ts';
import { runScenarios, supportedScenarios } from '../prove/scenario-runner.ts';
import { budgetForCalls, type Scenario } from '../prove/scenarios/scenario.ts';
import { SCENARIOS } from '../prove/scenarios/scenarios.ts';
import { cleanUpOnSignals } from '../prove/signals.ts';
import { spendingNotice } from '../prove/targets/deployed-target.ts';
import { localCallTemplate, openLocalTarget } from '../prove/targets/local-target.ts';
import { openDeployedTarget } from '../prove/targets/open-deployed-target.ts';
import type { Target } from '../prove/targets/target.ts';

/** What the command is told, as it stands on the command line. */
export type ProveOptions = {
  /** A deployed environment; without one, gateways of the command's own are attacked. */
  readonly env: string | undefined;
  /** The gateway that npm start runs here. */
  readonly local: boolean;
  readonly team: string | undefined;
  readonly upstream: string | undefined;
  readonly only: string | undefined;
  readonly calls: string;
  readonly 'at-once': string;
  readonly processes: string;
  readonly out: string;
  readonly json: boolean;
};

/** With fewer calls than this, a single one is more than the share of a budget that may be left. */
const MIN_CALLS = 40;
const MAX_CALLS = 10_000;
/** As many as one ledger lets be in flight. */
const MAX_CONCURRENCY = 200;
const MAX_PROCESSES = 8;

/** Attacks a gateway's budgets and writes what came of it; tells whether all of them held. */
export async function prove(options: ProveOptions, progress: Progress): Promise<boolean> {
  const calls = wholeNumber('--calls', options.calls, MIN_CALLS, MAX_CALLS);
  const concurrency = wholeNumber('--at-once', options['at-once'], 1, MAX_CONCURRENCY);
  const processes = wholeNumber('--processes', options.processes, 1, MAX_PROCESSES);
  const chosen = chooseScenarios(options.only);
  const { env, local, team, upstream, out, json } = options;
  const isOwn = env === undefined && !local;
  for (const [name, value] of Object.entries({ team, upstream })) {
    if (isOwn && value !== undefined)
      throw new CommandError(`--${name} belongs to a running gateway: name it by --env, or by --local`);
  }
  let opening: Promise<Target> | undefined;
  const { signal, dispose } = cleanUpOnSignals(async () => {
    // One that is just being opened too: it may have made a key.
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
      throw new CommandError(`--only ${options.only} needs a ${chosen[0]?.needs}, which a deployment has not got`);
    // Said always, whoever listens: it is somebody's money.
    if (!isOwn) console.error(spendingNotice(target, budgetForCalls(attack, calls), scenarios.length));
    return await runScenarios(attack, scenarios, { out, json, signal }, progress);
  } catch (error) {
    // What breaks off on Ctrl-C is no error; the process is about to end.
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

/** The scenarios of a list such as `whole,kill`; all without one. */
function chooseScenarios(only: string | undefined): readonly Scenario[] {
  if (only === undefined) return SCENARIOS;
  const ids = SCENARIOS.map(({ id }) => id);
  const wanted = only.split(',').map((id) => id.trim());
  const unknown = wanted.find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw new CommandError(`--only has "${unknown}"${didYouMean(unknown, ids)}; the scenarios are ${ids.join(', ')}`);
  return SCENARIOS.filter(({ id }) => wanted.includes(id));
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isInteger(number) || number < least || number > most)
    throw new CommandError(`${name} is "${text}"; it must be a whole number from ${least} to ${most}`);
  return number;
}

function readCatalog(): Catalog {
  const file = new URL('../../config/catalog.json', import.meta.url);
  return parseCatalog('config/catalog.json', JSON.parse(readFileSync(file, 'utf8')));
}
