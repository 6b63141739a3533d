import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZERO_USD } from '../../lambda/kernel/money.ts';
import type { Progress } from '../progress.ts';
import { renderChart } from './chart.ts';

import { renderReport, renderTable } from './render.ts';
import { buildReport } from './report.ts';
import { type Attack, budgetForCalls, type Scenario } from './scenarios/scenario.ts';
import { EMPTY_TALLY } from './tally.ts';
import type { Target } from './targets/target.ts';
import type { Measurement } from './verdict.ts';

/** Options of a run. */
export type ReportOptions = {
  /** The folder in which the report's folder is created. */
  readonly out: string;
  /** Prints the report as JSON instead of a table. */
  readonly json: boolean;
  /** After it is aborted, a failing scenario is rethrown instead of reported. */
  readonly signal?: AbortSignal;
};

const CHART_FILE = 'chart.svg';

/** Runs scenarios and writes the report. Returns whether every budget held. */
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
  console.log(json ? JSON.stringify(report) : `${renderTable(report)} Details: ${join(dir, 'report.md')}`);
  return report.verdict === 'holds';
}

/** Selects the scenarios that a target supports. */
export function supportedScenarios(scenarios: readonly Scenario[], { upstream, testRig }: Target): readonly Scenario[] {
  const supported = { client: true, 'fake upstream': upstream !== undefined, testRig: testRig !== undefined };
  return scenarios.filter(({ needs }) => supported[needs]);
}

/** Runs one scenario. When it throws, returns a faulty measurement, so that the other scenarios still run. */
async function runScenario(scenario: Scenario, attack: Attack, signal?: AbortSignal): Promise<readonly Measurement[]> {
  const { id, title } = scenario;
  try {
    return await scenario.run(attack);
  } catch (error) {
    if (signal?.aborted) throw error;
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const emptyLedger = {
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
        ledger: emptyLedger,
        isExact: false,
        seconds: 0,
        faults: [`could not be carried out: ${message}`],
      },
    ];
  }
}
