import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Catalog, parseCatalog } from '../../lambda/core/catalog.ts';
import { picoUsd } from '../../lambda/core/money.ts';
import { didYouMean } from '../../lambda/core/nearest-word.ts';
import { StartError } from '../../local/settings.ts';
import { CommandError } from '../deployment.ts';
import { renderChart } from '../prove/chart.ts';
import { localCall, startLocalTarget } from '../prove/local-target.ts';
import { renderReport, renderTable, reportOf } from '../prove/report.ts';
import type { Attack, Scenario } from '../prove/scenario.ts';
import { SCENARIOS } from '../prove/scenarios.ts';
import type { Target } from '../prove/target.ts';
import type { Measured } from '../prove/verdict.ts';

/** What the command is told, as it stands on the command line. */
export type ProveOptions = {
  readonly env: string | undefined;
  readonly team: string | undefined;
  readonly upstream: string | undefined;
  readonly only: string | undefined;
  readonly calls: string;
  readonly 'at-once': string;
  readonly processes: string;
  readonly out: string;
  readonly json: boolean;
};

/** Fewer calls than this make one call more than the share of a budget that may be left. */
const LEAST_CALLS = 40;
const MOST_CALLS = 10_000;
/** As many as one ledger lets be in flight. */
const MOST_AT_ONCE = 200;
const MOST_PROCESSES = 8;
const CHART_FILE = 'chart.svg';

/** Attacks a gateway's budgets and writes what came of it; tells whether all of them held. */
export async function prove(options: ProveOptions, progress: (line: string) => void): Promise<boolean> {
  const calls = wholeNumber('--calls', options.calls, LEAST_CALLS, MOST_CALLS);
  const atOnce = wholeNumber('--at-once', options['at-once'], 1, MOST_AT_ONCE);
  const processes = wholeNumber('--processes', options.processes, 1, MOST_PROCESSES);
  const chosen = chooseScenarios(options.only);
  if (options.env !== undefined) {
    throw new CommandError('a deployed gateway cannot be attacked yet; leave out --env to attack one of your own');
  }
  for (const name of ['team', 'upstream'] as const) {
    if (options[name] !== undefined)
      throw new CommandError(`--${name} belongs to a deployed environment: name it by --env`);
  }
  const catalog = readCatalog();
  const budget = picoUsd(localCall(catalog).costPicoUsd * BigInt(calls));
  let target: Target | undefined;
  // Until there is a target, what has been started ends with this process.
  let gaveUp = false;
  const giveUp = () => {
    gaveUp = true;
    void Promise.resolve(target?.close()).finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, giveUp);
  try {
    target = await opened(() => startLocalTarget(processes, budget, catalog));
    return await attack({ target, calls, atOnce }, chosen, options, progress);
  } catch (error) {
    // What breaks off on Ctrl-C is no error; the process is about to end.
    if (gaveUp) await new Promise(() => {});
    throw error;
  } finally {
    await target?.close();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, giveUp);
  }
}

/** Carries out the scenarios that a target can be put through, and writes the report. */
export async function attack(
  attack: Attack,
  scenarios: readonly Scenario[],
  { out, json }: Pick<ProveOptions, 'out' | 'json'>,
  progress: (line: string) => void,
): Promise<boolean> {
  const measured: Measured[] = [];
  for (const scenario of scenarios.filter((candidate) => suits(candidate, attack.target))) {
    progress(scenario.title);
    measured.push(...(await scenario.run(attack)));
  }
  const report = reportOf(attack, new Date().toISOString(), measured);
  const dir = join(out, `prove-${report.name}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'report.md'), renderReport(report, CHART_FILE));
  writeFileSync(join(dir, CHART_FILE), renderChart(report));
  writeFileSync(join(dir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(json ? JSON.stringify(report) : `${renderTable(report)} ${join(dir, 'report.md')} has the details.`);
  return report.verdict === 'holds';
}

function suits({ needs }: Scenario, { upstream, laboratory }: Target): boolean {
  if (needs === 'laboratory') return laboratory !== undefined;
  return needs === 'client' || upstream !== undefined;
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

async function opened(open: () => Promise<Target>): Promise<Target> {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof StartError) throw new CommandError(cause.message, { cause });
    throw cause;
  }
}
