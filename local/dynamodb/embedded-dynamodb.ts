import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../settings.ts';

/** A DynamoDB in a separate process. */
export type EmbeddedDynamodb = { readonly endpoint: string; close(): Promise<void> };

/** Limit for the database to accept connections, in milliseconds. */
const READY_WAIT_MS = 10_000;

/**
 * Starts dynoxide, a DynamoDB on SQLite, on a free port of 127.0.0.1. It runs in its own session, so that Ctrl-C stops the
 * gateway first. It always ends with this process, even after SIGKILL: its shell waits for this process's end of a pipe to
 * close.
 *
 * @throws StartError if there is no binary for this platform, or it does not start.
 */
export async function startEmbeddedDynamodb(file?: string): Promise<EmbeddedDynamodb> {
  const binary = binaryPath();
  const port = await freePort();
  const args = [
    'serve',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    ...(file === undefined ? [] : ['--db-path', file]),
  ];
  const script = '"$0" "$@" </dev/null >/dev/null 2>&1 & child=$!; cat >/dev/null; kill $child; wait $child';
  const shell = spawn('/bin/sh', ['-c', script, binary, ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    shell.once('exit', () => resolve());
    shell.once('error', () => resolve());
  });
  shell.unref();
  const close = async () => {
    shell.ref();
    shell.stdin.end();
    await ended;
  };
  for (let waitedMs = 0; !(await isListening(port)); waitedMs += 10) {
    if (waitedMs >= READY_WAIT_MS) {
      await close();
      throw new StartError(`the embedded DynamoDB did not start (${binary}); set DYNAMODB_ENDPOINT to use another`);
    }
    await sleep(10);
  }
  return { endpoint: `http://127.0.0.1:${port}`, close };
}

function binaryPath(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'dynoxide');
  } catch (cause) {
    throw new StartError(
      `there is no embedded DynamoDB for this platform (the npm package ${name} is not installed); set DYNAMODB_ENDPOINT to any DynamoDB, such as DynamoDB Local on http://127.0.0.1:8000`,
      { cause },
    );
  }
}

/** Returns a port of 127.0.0.1 that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Tests whether a port of a host accepts connections. */
export async function isListening(port: number, host = '127.0.0.1'): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 3_000 });
    const finish = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}
