import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIR } from '../../local/settings.ts';

/** A gateway in a process of its own, started as `npm start -- --json` starts it. */
export type GatewayProcess = {
  readonly baseUrl: string;
  readonly adminKey: string;
  readonly teams: Readonly<Record<string, { readonly key: string }>>;
  readonly upstreamUrl: string;
  readonly pid: number;
  /** What it has written to standard error so far. */
  stderr(): string;
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
};

/** Starts a gateway on a free port; rejects with what it printed when it ends instead. */
export async function startGatewayProcess({
  environment,
  env = {},
  dataDir,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  const file = typeof environment === 'string' ? environment : join(dir, 'test.json');
  if (typeof environment !== 'string') writeFileSync(file, JSON.stringify(environment));
  const { GROQ_API_KEY: _key, GROQ_BASE_URL: _url, DYNAMODB_ENDPOINT: _db, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'local/main.ts'), '--json'], {
    env: { ...inherited, PORT: '0', DATA_DIR: dataDir ?? join(dir, 'data'), ENVIRONMENT: file, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return await ended;
  };
  return {
    ...JSON.parse(await summary),
    pid: child.pid ?? 0,
    stderr: () => stderr,
    kill,
    async close() {
      await kill('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** An environment with one roomy team, `roomy`, and what a test cares about. */
export function roomyEnvironment(fields: Record<string, unknown> = {}): { teams: { roomy: Record<string, unknown> } } {
  return {
    teams: {
      roomy: {
        allowedModels: ['openai/gpt-oss-20b', 'openai/gpt-oss-120b'],
        monthlyBudgetUsd: 100,
        rateLimitRpm: 1_000_000,
        rateLimitTpm: null,
        maxConcurrent: 200,
        maxTokensPerRequest: 2_048,
        ...fields,
      },
    },
  };
}

/** Sends a chat completion and reads the whole answer. */
export async function postChat(
  gateway: Pick<GatewayProcess, 'baseUrl'>,
  key: string,
  body: object,
  signal?: AbortSignal,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content: 'Hello' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A team's budget as the gateway reports it. */
export async function budgetOf(gateway: Pick<GatewayProcess, 'baseUrl'>, key: string): Promise<Record<string, string>> {
  const response = await fetch(`${gateway.baseUrl}/openai/v1/budget`, { headers: { authorization: `Bearer ${key}` } });
  return (await response.json()) as Record<string, string>;
}
