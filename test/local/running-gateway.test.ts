import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRunningGateway, type RunningGateway, registerRunningGateway } from '../../local/running-gateway.ts';

let dir: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'running-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const gateway = (pid: number | undefined, baseUrl: string): RunningGateway => ({
  pid: pid ?? 0,
  environmentName: 'dev',
  baseUrl,
  dynamodbEndpoint: 'http://d',
  groqBaseUrl: 'http://127.0.0.1:3',
  secretsEndpoint: 'http://127.0.0.1:2',
  ledgerTable: 'l',
  registryTable: 'r',
  usageTable: 'u',
});

/** Starts a process that looks like a gateway. */
async function startMain(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1e6)', 'main.ts']);
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  return child;
}

describe('the running gateway of a data folder', () => {
  it('stays registered when another gateway on the same folder ends', async () => {
    const [first, second] = [await startMain(), await startMain()];
    const endFirst = registerRunningGateway(dir, gateway(first.pid, 'http://first'));
    const endSecond = registerRunningGateway(dir, gateway(second.pid, 'http://second'));
    endSecond();
    expect(findRunningGateway(dir)).toEqual(gateway(first.pid, 'http://first'));
    endFirst();
    expect(findRunningGateway(dir)).toBeUndefined();
  });

  it('is never another program with the process id of a killed gateway', () => {
    registerRunningGateway(dir, gateway(process.ppid, 'http://killed'));
    expect(findRunningGateway(dir)).toBeUndefined();
  });

  it('removes the files of killed gateways', async () => {
    registerRunningGateway(dir, gateway(process.ppid, 'http://killed'));
    const living = await startMain();
    registerRunningGateway(dir, gateway(living.pid, 'http://living'));
    expect(readdirSync(dir)).toEqual([`running-${living.pid}.json`]);
  });

  it('is undefined if the folder does not exist', () => {
    expect(findRunningGateway(join(dir, 'none'))).toBeUndefined();
  });
});
