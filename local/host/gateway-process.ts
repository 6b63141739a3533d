import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIR } from '../settings.ts';

/** A gateway that runs in a child process, started like `npm start -- --json`. */
export type GatewayProcess = {
  readonly baseUrl: string;
  readonly adminKey: string;
  readonly teams: Readonly<Record<string, { readonly key: string }>>;
  readonly upstreamUrl: string;
  readonly pid: number;
  /** Returns its standard error so far. */
  stderr(): string;
  /** Returns its standard output so far. The first line is JSON with its address and keys. */
  stdout(): string;
  /** Sends a signal, waits for the exit and returns the exit code. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  close(): Promise<void>;
};

/** Options of {@link startGatewayProcess}. */
export type GatewayProcessOptions = {
  /** The content of an environment file, or its path. */
  readonly environment: object | string;
  readonly env?: Readonly<Record<string, string>>;
  /** A folder that outlives the process. @default a temporary folder, removed at the end */
  readonly dataDir?: string;
  /** Command-line options of Node. */
  readonly nodeArguments?: readonly string[];
  /** Kills the process with SIGKILL, even during its start. */
  readonly signal?: AbortSignal;
};

/** Starts a gateway on a free port. @throws Error with its standard error if it exits before it is ready. */
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
  // An abort emits an error in addition to the exit; without a listener it would crash this process.
  child.on('error', () => {});
  let [stdout, stderr] = ['', ''];
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
  const summary = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (stdout.endsWith('\n')) resolve(stdout);
    });
    exited.then((code) => reject(new Error(`the gateway ended with ${code}: ${stderr}`)));
  });
  const kill = async (signalName: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signalName);
    return await exited;
  };
  const removeDir = () => rmSync(dir, { recursive: true, force: true });
  signal?.addEventListener('abort', removeDir, { once: true });
  const line = await summary.catch((error: unknown) => {
    removeDir();
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
      removeDir();
    },
  };
}
