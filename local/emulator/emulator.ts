import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../dynamodb/embedded-dynamodb.ts';
import { PROJECT_DIR, StartError } from '../settings.ts';
import { type AwsClientConfig, clientConfig, clientEnvironment, launcherEnvironment } from './emulator-environment.ts';
import { ensureVenv } from './python.ts';

/** Options of an emulator. */
export type EmulatorOptions = {
  /**
   * Checks calls against IAM policies, as AWS does. A deployment then needs `CliCredentialsStackSynthesizer`.
   *
   * @default false
   */
  readonly enforceIam?: boolean;
  /** File for the emulator's log. @default a file that is removed with the emulator */
  readonly logFile?: string;
};

/** An empty emulated AWS, in one process on 127.0.0.1. */
export type Emulator = {
  readonly endpoint: string;
  readonly port: number;
  /** Folder for the caller's files, removed with the emulator, however that ends. */
  readonly folder: string;
  /** Its log, with every line that the functions write. */
  readonly logFile: string;
  /** Environment variables that make a child process call this AWS, to be merged into process.env. */
  readonly environment: Readonly<Record<string, string>>;
  /** Configuration of an SDK client in this process. */
  readonly clientConfig: AwsClientConfig;
  /** Returns the URL of a REST API's stage, without a trailing slash. A stack's outputs contain AWS's URL instead. */
  apiUrl(restApiId: string, stage: string): string;
  close(): Promise<void>;
};

/** The emulator's Python packages, in exact versions. */
export const REQUIREMENTS_FILE = join(import.meta.dirname, 'requirements.txt');

/** The emulator's main script. With --check, it only checks the version of ministack. */
export const LAUNCHER_FILE = join(import.meta.dirname, 'launcher.py');

const READY_WAIT_MS = 60_000;
const POLL_MS = 50;
const LOG_TAIL_CHARACTERS = 2_000;

/**
 * Starts ministack on a free port of 127.0.0.1. It always ends with this process, and removes its files and the functions'
 * processes.
 *
 * @throws StartError if there is no Python, pip cannot install ministack, or it does not start.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { python } = await ensureVenv(REQUIREMENTS_FILE);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const folder = createFolder();
  const logFile = options.logFile ?? join(folder, 'emulator.log');
  const log = openSync(logFile, 'w');
  const child = spawn(python, [LAUNCHER_FILE], {
    cwd: folder,
    // A process group of its own: Ctrl-C ends this process first, which then ends the group.
    detached: true,
    stdio: ['pipe', log, log],
    env: launcherEnvironment(folder, port, options.enforceIam ?? false),
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.unref();
  const close = async () => {
    child.ref();
    child.stdin?.destroy();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  if (!(await isReady(endpoint, child))) {
    const end = existsSync(logFile) ? readFileSync(logFile, 'utf8').trim().slice(-LOG_TAIL_CHARACTERS) : '';
    await close();
    throw new StartError(`the AWS emulator did not start; the end of its log:\n${end}`);
  }
  return {
    endpoint,
    port,
    folder,
    logFile,
    environment: clientEnvironment(endpoint),
    clientConfig: clientConfig(endpoint),
    apiUrl: (restApiId, stage) => `${endpoint}/restapis/${restApiId}/${stage}/_user_request_`,
    close,
  };
}

/** Creates the folder for the emulator's files. Functions' code is unpacked in it, so it links the SDK of Lambda's runtime. */
function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aws-'));
  mkdirSync(join(folder, 'node_modules'));
  for (const scope of ['@aws-sdk', '@smithy'])
    symlinkSync(join(PROJECT_DIR, 'node_modules', scope), join(folder, 'node_modules', scope));
  return folder;
}

async function isReady(endpoint: string, child: ChildProcess): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < READY_WAIT_MS && child.exitCode === null; waitedMs += POLL_MS) {
    const answer = await fetch(`${endpoint}/_ministack/health`).catch(() => undefined);
    if (answer?.ok) return true;
    await sleep(POLL_MS);
  }
  return false;
}
