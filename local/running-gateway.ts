import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGatewayProcess } from './data-dir.ts';

/** Where a gateway that runs on this machine keeps its tables, for the command line. */
export type RunningGateway = {
  readonly pid: number;
  readonly environmentName: string;
  readonly baseUrl: string;
  readonly dynamodbEndpoint: string;
  readonly secretsEndpoint: string;
  readonly groqBaseUrl: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  readonly usageTable: string;
};

/** One a process: gateways that share a database by DYNAMODB_ENDPOINT may share a data folder too. */
const RUNNING_FILE_NAME = /^running-(\d+)\.json$/;

/** Writes down a running gateway in its data folder; returns how to take that back. */
export function registerRunningGateway(dataDir: string, running: RunningGateway): () => void {
  // What those have left behind that were killed.
  for (const { file, pid } of listRunningFiles(dataDir)) if (!isGatewayProcess(pid)) rmSync(file, { force: true });
  const file = join(dataDir, `running-${running.pid}.json`);
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** A gateway that runs on a data folder, or undefined for none; of several, any. */
export function findRunningGateway(dataDir: string): RunningGateway | undefined {
  for (const { file, pid } of listRunningFiles(dataDir)) {
    if (!isGatewayProcess(pid)) continue;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as RunningGateway;
    } catch {
      // It has just ended, or is being written: as if it did not run.
    }
  }
  return undefined;
}

function listRunningFiles(dataDir: string): readonly { readonly file: string; readonly pid: number }[] {
  try {
    return readdirSync(dataDir).flatMap((name) => {
      const pid = RUNNING_FILE_NAME.exec(name)?.[1];
      return pid === undefined ? [] : [{ file: join(dataDir, name), pid: Number(pid) }];
    });
  } catch {
    // No gateway has ever run on a folder that is not there.
    return [];
  }
}
