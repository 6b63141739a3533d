import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGatewayProcess } from './data-dir.ts';

/** A gateway that runs on this machine, with the addresses and tables that the command line needs. */
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

/** One file per process: gateways that share a database by DYNAMODB_ENDPOINT may share a data folder. */
const RUNNING_FILE_NAME = /^running-(\d+)\.json$/;

/** Registers a running gateway in its data folder. Returns a function that unregisters it. */
export function registerRunningGateway(dataDir: string, running: RunningGateway): () => void {
  // Gateways that were killed have left their files.
  for (const { file, pid } of listRunningFiles(dataDir)) if (!isGatewayProcess(pid)) rmSync(file, { force: true });
  const file = join(dataDir, `running-${running.pid}.json`);
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** Returns a gateway that runs on a data folder, any of several, or undefined. */
export function findRunningGateway(dataDir: string): RunningGateway | undefined {
  for (const { file, pid } of listRunningFiles(dataDir)) {
    if (!isGatewayProcess(pid)) continue;
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as RunningGateway;
    } catch {
      // The gateway is starting or has just ended.
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
    // The folder does not exist: no gateway has run on it.
    return [];
  }
}
