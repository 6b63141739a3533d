import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIR } from '../../local/settings.ts';
import { roomyEnvironment, startGatewayProcess } from '../support/gateway-process.ts';

/** Exact versions, so that a run says what it was run against. */
const PACKAGES = ['groq==1.7.0', 'openai==3.54.0'];
const VENV = join(PROJECT_DIR, '.venv');
const PYTHON = join(VENV, 'bin/python');
const OLDEST = '(3, 10)';

function fail(message: string): never {
  console.error(`error: ${message}`);
  process.exit(1);
}

function run(command: string, args: readonly string[], input?: string) {
  return spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(input === undefined ? {} : { input }),
  });
}

/** Makes the virtual environment with the clients, if this project's is not there yet. */
function prepareVenv(): void {
  if (!existsSync(PYTHON)) {
    const found = ['python3', 'python'].find(
      (name) => run(name, ['-c', `import sys; sys.exit(sys.version_info < ${OLDEST})`]).status === 0,
    );
    if (found === undefined)
      fail('the Python clients need Python 3.10 or later, and no python3 or python on PATH is one');
    if (run(found, ['-m', 'venv', VENV]).status !== 0)
      fail(`${found} cannot make a virtual environment in ${VENV}; on Debian, install python3-venv`);
  }
  if (run(PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES]).status !== 0)
    fail(`pip could not install ${PACKAGES.join(' and ')}`);
}

prepareVenv();
const { roomy } = roomyEnvironment().teams;
const slow = { ...roomy, rateLimitRpm: 1 };
const gateway = await startGatewayProcess({
  environment: { teams: { roomy, broke: { ...roomy, monthlyBudgetUsd: 0 }, slow, 'slow-too': slow } },
});
const { baseUrl, teams } = gateway;
const checks = run(PYTHON, [join(PROJECT_DIR, 'test/python/clients.py')], JSON.stringify({ baseUrl, teams }));
console.log(checks.stdout.trimEnd());
await gateway.close();
process.exit(checks.status ?? 1);
