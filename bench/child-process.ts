import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PROJECT_DIR } from '../local/settings.ts';

/** A child process that has printed its first line. */
export type StartedProcess = {
  readonly line: string;
  readonly readyMs: number;
  rssMb(): number | undefined;
  stop(): Promise<void>;
};

/** Starts Node in the project folder and waits for the first line of its output. */
export async function start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<StartedProcess> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_DIR,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await readFirstLine(child);
  const readyMs = performance.now() - startMs;
  return {
    line,
    readyMs,
    rssMb: () => readRssMb(child.pid ?? 0),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

function readFirstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new Error(`a benchmark process exited with ${code}`)));
  });
}

function readRssMb(pid: number): number | undefined {
  try {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
  } catch {
    return undefined;
  }
}
