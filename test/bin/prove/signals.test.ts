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
])('never skips the clean-up for less than three signals: %s', async (_what, signals, said) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  for (let sent = 0; sent < signals; sent++) {
    child.kill('SIGINT');
    // What comes within a second is npm passing the same signal on.
    await sleep(1_100);
  }
  expect([await ended, stdout]).toEqual([130, said]);
});
