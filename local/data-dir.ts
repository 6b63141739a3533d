import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from './settings.ts';

/** Time in which a gateway that is shutting down may still hold the lock, in milliseconds. */
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 50;

/**
 * Creates the data folder, readable by its owner only.
 *
 * @throws StartError if it cannot be created.
 */
export function createDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StartError(`DATA_DIR ${dir} cannot be created: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/**
 * Locks the data folder for this process, because two databases on one file would not see each other's writes.
 *
 * @throws StartError if another gateway has the lock, or the folder is not writable.
 */
export async function lockDataDir(dir: string): Promise<{ release(): void }> {
  const lock = join(dir, 'lock');
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
      return { release: () => rmSync(lock, { force: true }) };
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
        throw new StartError(`DATA_DIR ${dir} cannot be written: ${cause instanceof Error ? cause.message : cause}`, {
          cause,
        });
      }
    }
    const owner = Number(readText(lock));
    if (!isGatewayProcess(owner)) rmSync(lock, { force: true });
    else if (waitedMs >= LOCK_WAIT_MS) {
      throw new StartError(
        `DATA_DIR ${dir} is in use by another gateway (process ${owner}); stop it, set another DATA_DIR, or share a database by DYNAMODB_ENDPOINT`,
      );
    } else await sleep(LOCK_POLL_MS);
  }
}

/** Returns the seed of the local keys. The first start creates it, readable by its owner only. */
export function loadKeySeed(dir: string): Buffer {
  const file = join(dir, 'key-seed');
  try {
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  }
  return Buffer.from(readText(file), 'hex');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Tests whether a process id belongs to another running gateway. The id of a dead one may have been reused since. */
export function isGatewayProcess(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const command = readText(`/proc/${pid}/cmdline`);
  return command === '' || command.includes('main.ts');
}
