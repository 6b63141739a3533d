import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Progress } from '../progress.ts';
import { renderChart } from './chart.ts';
import { EMPTY_TALLY } from './load.ts';
import { renderReport, renderTable } from './render.ts';
import { buildReport } from './report.ts';
import { type Attack, budgetForCalls, type Scenario } from './scenarios/scenario.ts';
import type { Target } from './targets/target.ts';
import type { Measurement } from './verdict.ts';

/** Where a report goes, and who may break it off. */
export type ReportOptions = {
  /** The folder of the report's folder. */
  readonly out: string;
  /** Whether standard output gets the report as JSON instead of a table. */
  readonly json: boolean;
  /** Once aborted, what fails is no finding. */
  readonly signal?: AbortSignal;
};

const CHART_FILE = 'chart.svg';

/** Carries out scenarios, writes the report, and tells whether every budget held. */
export async function runScenarios(
  attack: Attack,
  scenarios: readonly Scenario[],
  { out, json, signal }: ReportOptions,
  progress: Progress,
): Promise<boolean> {
  const measured: Measurement[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    progress.step(`scenarios; now: ${scenario.title}`, index, scenarios.length);
    measured.push(...(await runScenario(scenario, attack, signal)));
  }
  progress.end();
  signal?.throwIfAborted();
  const report = buildReport(attack, new Date().toISOString(), measured);
  const dir = join(out, `prove-${report.name}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'report.md'), renderReport(report, CHART_FILE));
  writeFileSync(join(dir, CHART_FILE), renderChart(report));
  writeFileSync(join(dir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(json ? JSON.stringify(report) : `${renderTable(report)} ${join(dir, 'report.md')} has the details.`);
  return report.verdict === 'holds';
}

/** The scenarios that a target can be put through. */
export function supportedScenarios(scenarios: readonly Scenario[], { upstream, testRig }: Target): readonly Scenario[] {
  const has = { client: true, 'fake upstream': upstream !== undefined, testRig: testRig !== undefined };
  return scenarios.filter(({ needs }) => has[needs]);
}

/** A scenario's measurements; one that cannot be carried out has proved nothing, and the others go on. */
async function runScenario(scenario: Scenario, attack: Attack, signal?: AbortSignal): Promise<readonly Measurement[]> {
  const { id, title } = scenario;
  try {
    return await scenario.run(attack);
  } catch (error) {
    if (signal?.aborted) throw error;
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const nothing = {
      spentPicoUsd: ZERO_USD,
      reservedPicoUsd: ZERO_USD,
      assumedPicoUsd: ZERO_USD,
      overrunPicoUsd: ZERO_USD,
    };
    return [
      {
        scenario: id,
        title,
        budget: budgetForCalls(attack, attack.calls),
        tally: EMPTY_TALLY,
        billed: ZERO_USD,
        billedBy: 'ledger',
        ledger: nothing,
        isExact: false,
        seconds: 0,
        faults: [`could not be carried out: ${message}`],
      },
    ];
  }
}
