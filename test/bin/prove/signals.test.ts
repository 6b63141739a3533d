import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

const SIGNALS = new URL('../../../bin/prove/signals.ts', import.meta.url).href;
const SCRIPT = `
  const { cleanUpOnSignals } = await import('${SIGNALS}');
  cleanUpOnSignals(async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    process.stdout.write('cleaned');
  });
  setInterval(() => {}, 1e6);
  process.stdout.write('up ');
`;

it.each([
  ['the first and a second', 2, 'up cleaned'],
  ['a third', 3, 'up '],
])('skips the clean-up only for a third signal: %s', async (_name, signals, output) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  for (let sent = 0; sent < signals; sent++) {
    child.kill('SIGINT');
    // A signal within a second counts as the first one, forwarded by npm.
    await sleep(1_100);
  }
  expect([await ended, stdout]).toEqual([130, output]);
});
