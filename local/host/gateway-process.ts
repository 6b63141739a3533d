import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIR } from '../settings.ts';

/** A gateway in a process of its own, started as `npm start -- --json` starts it. */
export type GatewayProcess = {
  readonly baseUrl: string;
  readonly adminKey: string;
  readonly teams: Readonly<Record<string, { readonly key: string }>>;
  readonly upstreamUrl: string;
  readonly pid: number;
  /** What it has written to standard error so far. */
  stderr(): string;
  /** What it has written to standard output so far: first of all a line with its address and keys. */
  stdout(): string;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  close(): Promise<void>;
};

export type GatewayProcessOptions = {
  /** An environment's content, or the path of a file. */
  readonly environment: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kept by the caller; by default a folder that is removed at the end. */
  readonly dataDir?: string;
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
  /** Kills it outright, at whatever point its start is. */
  readonly signal?: AbortSignal;
};

/** Starts a gateway on a free port; rejects with what it printed when it ends instead. */
export async function startGatewayProcess({
  environment,
  env = {},
  dataDir,
  nodeArguments = [],
  signal,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  const file = typeof environment === 'string' ? environment : join(dir, 'test.json');
  if (typeof environment !== 'string') writeFileSync(file, JSON.stringify(environment));
  const {
    GROQ_API_KEY: _key,
    GROQ_BASE_URL: _url,
    DYNAMODB_ENDPOINT: _db,
    SECRETS_ENDPOINT: _sm,
    ...inherited
  } = process.env;
  const child = spawn(process.execPath, [...nodeArguments, join(PROJECT_DIR, 'local/main.ts'), '--json'], {
    env: { ...inherited, PORT: '0', DATA_DIR: dataDir ?? join(dir, 'data'), ENVIRONMENT: file, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  });
  // One that is killed by the signal says so by an event of its own, beside its exit.
  child.on('error', () => {});
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  const summary = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (stdout.endsWith('\n')) resolve(stdout);
    });
    ended.then((code) => reject(new Error(`the gateway ended with ${code}: ${stderr}`)));
  });
  const kill = async (signalName: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signalName);
    return await ended;
  };
  const forget = () => rmSync(dir, { recursive: true, force: true });
  signal?.addEventListener('abort', forget, { once: true });
  const line = await summary.catch((error: unknown) => {
    forget();
    throw error;
  });
  return {
    ...JSON.parse(line),
    pid: child.pid ?? 0,
    stderr: () => stderr,
    stdout: () => stdout,
    kill,
    async close() {
      await kill('SIGTERM');
      forget();
    },
  };
}
