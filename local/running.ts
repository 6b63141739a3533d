import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a gateway that runs on this machine keeps its tables, for the command line. */
export type RunningGateway = {
  readonly pid: number;
  readonly environmentName: string;
  readonly baseUrl: string;
  readonly dynamodbEndpoint: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
};

const FILE = 'running.json';

/** Writes down a running gateway in its data folder; returns how to take that back. */
export function writeRunning(dataDir: string, running: RunningGateway): () => void {
  const file = join(dataDir, FILE);
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** The gateway that runs on a data folder, or undefined for none. */
export function readRunning(dataDir: string): RunningGateway | undefined {
  try {
    const running = JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as RunningGateway;
    // One that was killed has left the file behind.
    process.kill(running.pid, 0);
    return running;
  } catch {
    return undefined;
  }
}
