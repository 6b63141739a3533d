import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureVenv } from '../../local/emulator/python.ts';
import { StartError } from '../../local/settings.ts';
import { roomyEnvironment, startGatewayProcess } from '../support/gateway/gateway-process.ts';

/** Pins exact versions, so that runs are comparable. */
const REQUIREMENTS_FILE = join(import.meta.dirname, 'requirements.txt');
const VENV = await ensureVenv(REQUIREMENTS_FILE).catch((error: unknown) => {
  if (!(error instanceof StartError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(1);
});

const { roomy } = roomyEnvironment().teams;
const slow = { ...roomy, rateLimitRpm: 1 };
const gateway = await startGatewayProcess({
  environment: { teams: { roomy, broke: { ...roomy, monthlyBudgetUsd: 0 }, slow, 'slow-too': slow } },
});
const { baseUrl, teams } = gateway;
const checks = spawnSync(VENV.python, [join(import.meta.dirname, 'clients.py')], {
  encoding: 'utf8',
  stdio: ['pipe', 'pipe', 'inherit'],
  input: JSON.stringify({ baseUrl, teams }),
});
console.log(checks.stdout.trimEnd());
await gateway.close();
process.exit(checks.status ?? 1);
