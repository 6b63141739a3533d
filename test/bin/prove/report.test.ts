import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SILENT_PROGRESS } from '../../../bin/progress.ts';
import { renderChart } from '../../../bin/prove/chart.ts';
import { renderReport, renderTable } from '../../../bin/prove/render.ts';
import { buildReport } from '../../../bin/prove/report.ts';
import { runScenarios, supportedScenarios } from '../../../bin/prove/scenario-runner.ts';
import type { Scenario } from '../../../bin/prove/scenarios/scenario.ts';
import { localCallTemplate } from '../../../bin/prove/targets/local-target.ts';
import type { Target } from '../../../bin/prove/targets/target.ts';
import type { Measurement } from '../../../bin/prove/verdict.ts';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { catalog } from '../../support/catalog.ts';
import { measurementWith } from '../../support/measurement.ts';

const target: Target = {
  name: 'test',
  description: 'a gateway & more',
  call: localCallTemplate(catalog),
  upstream: undefined,
  testRig: undefined,
  openBudget: async () => await Promise.reject(new Error('no budget is opened in this test')),
  close: async () => {},
};
const overspent = measurementWith({ title: 'a <broken> gateway', billed: picoUsd(20_900n) }, 20_900n);
const report = (...measured: Measurement[]) => buildReport({ target, calls: 100, concurrency: 50 }, '2026', measured);

describe("the proof's report", () => {
  it('falls short when one budget does', () => {
    expect(report(measurementWith()).verdict).toBe('holds');
    expect(report(measurementWith(), overspent).verdict).toBe('falls short');
    expect(report().verdict).toBe('falls short');
  });

  it('shows in Markdown what was admitted, billed and overspent, and why it falls short', () => {
    const text = renderReport(report(measurementWith({ note: 'as it should' }), overspent), 'chart.svg');
    expect(text).toContain('**It falls short**: 1 of 2 budgets');
    expect(text).toContain('](chart.svg)');
    expect(text).toContain(
      '| whole answers | 400 | 100 | 0.00000001 | 0.00000001 | 0.00000001 | 0 | 0 | 100.00 % | holds |',
    );
    expect(text).toContain('| 0.0000000109 | 209.00 % | **overspent** |');
    expect(text).toContain('refused: 300 team_budget_exceeded; as it should; 1.2 s.');
    expect(text).toContain('**the upstream billed $0.0000000109 more than the budget.**');
  });

  it('names the source of the bill', () => {
    expect(renderReport(report(measurementWith()), '')).toContain("the upstream's own count");
    expect(renderReport(report(measurementWith({ billedBy: 'answers' })), '')).toContain('the costs in the responses');
    expect(renderReport(report(measurementWith({ billedBy: 'ledger' })), '')).toContain('only the ledger knows');
  });

  it('is a plain table on a terminal, followed by each reason', () => {
    const lines = renderTable(report(measurementWith(), overspent)).split('\n');
    expect(lines[1]).toMatch(/^whole answers +400 +100 .* 100\.00 % {2}holds$/);
    expect(lines).toContain('a <broken> gateway: the upstream billed $0.0000000109 more than the budget');
    expect(lines.at(-1)).toBe('The proof falls short.');
  });
});

describe("the proof's chart", () => {
  const chart = renderChart(report(measurementWith({ billed: picoUsd(9_700n), isExact: false }), overspent));

  it('is described in text for screen readers', () => {
    expect(chart).toContain('role="img" aria-labelledby="chart-title chart-description"');
    expect(chart).toContain('whole answers: 97.00 % billed and 3.00 % counted beyond, holds');
    expect(chart).toContain('a &lt;broken&gt; gateway: 209.00 % billed, overspent');
  });

  it('marks 95 and 100 %, and extends the bar of an overspent budget beyond them', () => {
    const readX = (kind: string) => Number(new RegExp(`class="${kind}" x1?="([\\d.]+)"`).exec(chart)?.[1]);
    expect(readX('least')).toBeLessThan(readX('budget'));
    expect(readX('over')).toBe(readX('budget'));
    expect(chart.match(/class="counted" x="[\d.]+" y="\d+" width="/g)).toHaveLength(2);
    expect(chart).toContain('prefers-color-scheme: dark');
  });

  it('is well-formed: every opened element is closed', () => {
    const opened = [...chart.matchAll(/<([a-z]+)(?:\s[^>]*[^/])?>/g)].map(([, name]) => name);
    const closed = [...chart.matchAll(/<\/([a-z]+)>/g)].map(([, name]) => name);
    expect(opened.sort()).toEqual(closed.sort());
    expect(chart).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('an attack', () => {
  let dir = '';
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(dir, { recursive: true, force: true });
  });

  async function runAttack(measured: Measurement): Promise<{ holds: boolean; printed: string }> {
    dir = mkdtempSync(join(tmpdir(), 'prove-test-'));
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const scenario = (needs: Scenario['needs']): Scenario => ({
      id: 'x',
      title: 'X',
      needs,
      run: async () => (needs === 'client' ? [measured] : await Promise.reject(new Error('not for this target'))),
    });
    const scenarios = supportedScenarios([scenario('client'), scenario('testRig'), scenario('fake upstream')], target);
    const holds = await runScenarios(
      { target, calls: 100, concurrency: 50 },
      scenarios,
      { out: dir, json: true },
      SILENT_PROGRESS,
    );
    return { holds, printed: String(log.mock.calls[0]?.[0]) };
  }

  it('fails on a gateway that bills more than the budget, and reports it', async () => {
    const { holds, printed } = await runAttack(overspent);
    expect(holds).toBe(false);
    expect(JSON.parse(printed).lines[0]).toMatchObject({ verdict: 'overspent', overspendUsd: '0.0000000109' });
    expect(readFileSync(join(dir, 'prove-test/report.md'), 'utf8')).toContain('**overspent**');
    expect(JSON.parse(readFileSync(join(dir, 'prove-test/report.json'), 'utf8'))).toEqual(JSON.parse(printed));
  });

  it('counts a scenario that throws as not holding, and runs the others', async () => {
    dir = mkdtempSync(join(tmpdir(), 'prove-test-'));
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const stuck = { id: 'x', title: 'X', needs: 'client', run: () => Promise.reject(new Error('too slow')) } as const;
    const sound = { ...stuck, id: 'y', run: async () => [measurementWith()] };
    const options = { out: dir, json: true };
    expect(await runScenarios({ target, calls: 100, concurrency: 50 }, [stuck, sound], options, SILENT_PROGRESS)).toBe(
      false,
    );
    const { lines } = JSON.parse(String(log.mock.calls[0]?.[0]));
    expect(lines.map((line: Record<string, unknown>) => line.verdict)).toEqual(['faulty', 'holds']);
    expect(lines[0].reasons).toContain('could not be carried out: too slow');
  });

  it('skips scenarios that a target does not support', async () => {
    const { holds, printed } = await runAttack(measurementWith());
    expect([holds, JSON.parse(printed).lines.length]).toEqual([true, 1]);
  });
});
