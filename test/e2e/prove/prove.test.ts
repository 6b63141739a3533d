import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SILENT_PROGRESS } from '../../../bin/progress.ts';
import { runScenarios } from '../../../bin/prove/scenario-runner.ts';
import { CLIENT_SCENARIOS } from '../../../bin/prove/scenarios/client-scenarios.ts';
import { localCallTemplate } from '../../../bin/prove/targets/local-target.ts';
import type { Target } from '../../../bin/prove/targets/target.ts';
import { picoUsd, toUsdString, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { PROJECT_DIR } from '../../../local/settings.ts';
import { catalog } from '../../support/catalog.ts';

let dir: string;
let server: Server | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'prove-e2e-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  server?.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts the command with its temporary files in the test's folder. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'bin/groq-rbac.ts'), 'prove', ...args], {
    cwd: dir,
    env: { PATH: process.env.PATH, TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** The processes that were started with this test's folder. */
function findProcesses(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });
}

function readCommand(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

it('proves that two gateways hold a budget, also across the end of a month', async () => {
  const { code, stdout, stderr } = await start('--only', 'streamed-open,rollover', '--calls', '40', '--json').ended;
  const report = JSON.parse(stdout);
  expect(report.lines.map((line: Record<string, unknown>) => [line.title, line.verdict, line.overspendUsd])).toEqual([
    ['streams, no max_tokens', 'holds', '0'],
    ["month's end: the old month", 'holds', '0'],
    ["month's end: the new month", 'holds', '0'],
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(readdirSync(join(dir, 'reports/prove-local')).sort()).toEqual(['chart.svg', 'report.json', 'report.md']);
  expect([readdirSync(dir), findProcesses(dir)]).toEqual([['reports'], []]);
}, 180_000);

it.each([
  ['the database', 'dynoxide', 0],
  ['the first gateway', 'local/main.ts', 0],
  ['the calls', 'local/main.ts', 2_000],
])('leaves no process and no file behind on Ctrl-C just after the start of %s', async (_name, program, delayMs) => {
  const { child, ended } = start('--only', 'whole', '--calls', '2000');
  const isRunning = () => findProcesses(dir).some((pid) => readCommand(pid).includes(program));
  while (!isRunning()) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  child.kill('SIGINT');
  expect(await ended).toEqual({ code: 130, stdout: '', stderr: '' });
  while (findProcesses(dir).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(readdirSync(dir)).toEqual([]);
});

it('finds a gateway that admits every call', async () => {
  const call = localCallTemplate(catalog);
  let requests = 0;
  const broken = createServer((_request, response) => {
    requests++;
    response.setHeader('x-request-cost-usd', toUsdString(call.costPicoUsd));
    response.end('{}');
  });
  server = broken;
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
  const { port } = broken.address() as AddressInfo;
  const billed = () => picoUsd(call.costPicoUsd * BigInt(requests));
  const target: Target = {
    name: 'broken',
    description: 'a gateway without budgets',
    call,
    testRig: undefined,
    upstream: { read: async () => ({ billed: billed(), requests, inFlight: 0 }) },
    openBudget: async (_scenario, budgetPicoUsd) => ({
      budgetPicoUsd,
      credentials: [{ team: 'any', key: 'any' }],
      nextAddress: async () => `http://127.0.0.1:${port}`,
      ledger: async () => ({
        spentPicoUsd: billed(),
        reservedPicoUsd: ZERO_USD,
        assumedPicoUsd: ZERO_USD,
        overrunPicoUsd: ZERO_USD,
      }),
    }),
    close: async () => {},
  };
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const whole = CLIENT_SCENARIOS.slice(0, 1);
  expect(
    await runScenarios({ target, calls: 40, concurrency: 20 }, whole, { out: dir, json: true }, SILENT_PROGRESS),
  ).toBe(false);
  expect(JSON.parse(String(log.mock.calls[0]?.[0])).lines[0]).toMatchObject({
    verdict: 'overspent',
    sent: 160,
    admitted: 160,
    usablePercent: 400,
  });
});
