import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PROJECT_DIR, StartError } from '../settings.ts';

/** A Python that is new enough: what to call it by, and its version. */
export type Python = { readonly command: string; readonly version: string };

/** A virtual environment: its interpreter, and the folder of its commands. */
export type Venv = { readonly python: string; readonly bin: string };

const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const MIN_MINOR_VERSION = 10;
const ADVICE = 'install it or set PYTHON to its path';
const VERSION = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
const OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Finds a Python 3.10 or later: the one PYTHON names, or else the first on PATH.
 *
 * @param readVersion says the version behind a command, or nothing when there is none; by default it is asked
 * @throws StartError when there is none, or PYTHON names something else.
 */
export function findPython(
  env: Readonly<Record<string, string | undefined>> = process.env,
  readVersion: (command: string) => string | undefined = queryVersion,
): Python {
  const found = (env.PYTHON ? [env.PYTHON] : NAMES).flatMap((command) => {
    const version = readVersion(command);
    return version === undefined ? [] : [{ command, version }];
  });
  const fit = found.find(({ version }) => isSupportedVersion(version));
  if (fit !== undefined) return fit;
  const old = found[0];
  if (env.PYTHON) {
    const what = old === undefined ? 'which cannot be run as Python' : `which is Python ${old.version}`;
    throw new StartError(`Python 3.10 or later is needed, but PYTHON is "${env.PYTHON}", ${what}; ${ADVICE}`);
  }
  const what = old === undefined ? 'there is none on PATH' : `${old.command} on PATH is ${old.version}`;
  throw new StartError(`Python 3.10 or later is needed, and ${what}; ${ADVICE}`);
}

function isSupportedVersion(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 3 && minor !== undefined && minor >= MIN_MINOR_VERSION;
}

function queryVersion(command: string): string | undefined {
  const asked = spawnSync(command, ['-c', VERSION], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

/**
 * The project's virtual environment for a requirements file, when it is there whole and nothing has changed since:
 * neither the file, nor Python's version, nor where the project lies.
 *
 * @throws StartError without a Python.
 */
export function findVenv(requirementsFile: string, python: Python = findPython()): Venv | undefined {
  const folder = venvFolder(requirementsFile);
  const stamp = join(folder, 'stamp');
  const isReady =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === computeStamp(requirementsFile, python) &&
    existsSync(interpreterPath(folder));
  return isReady ? toVenv(folder) : undefined;
}

/**
 * Makes the virtual environment for a requirements file in `.venv/<name of the file's folder>`, if it is not there. The
 * stamp is written last, so one that was left half made is made again.
 *
 * @throws StartError without a Python, when Python cannot make one, or when pip cannot install what the file names.
 */
export async function ensureVenv(requirementsFile: string): Promise<Venv> {
  const python = findPython();
  const ready = findVenv(requirementsFile, python);
  if (ready !== undefined) return ready;
  const folder = venvFolder(requirementsFile);
  // A pip that an interrupted start has just ended may still be writing its last file.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  await mkdir(dirname(folder), { recursive: true });
  const made = await run(python.command, ['-m', 'venv', folder]);
  if (made !== undefined) {
    throw new StartError(
      `${python.command} cannot make a virtual environment in ${folder}; on Debian, install python3-venv (${lastLine(made)})`,
    );
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirementsFile];
  const installed = await run(interpreterPath(folder), pip);
  if (installed !== undefined) throw new StartError(`pip could not install ${requirementsFile}:\n${installed}`);
  await writeFile(join(folder, 'stamp'), computeStamp(requirementsFile, python));
  return toVenv(folder);
}

/** Runs a command; gives what it printed when it failed, and nothing when it did not. */
async function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return await new Promise((resolve) => {
    // An interrupted start leaves no pip behind that would write into the next one's folder.
    const end = () => child.kill();
    const child = execFile(command, args, { maxBuffer: OUTPUT_BYTES }, (error, stdout, stderr) => {
      process.off('exit', end);
      resolve(error === null ? undefined : `${stdout}${stderr}`.trim() || error.message);
    });
    process.once('exit', end);
  });
}

function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? text;
}

function venvFolder(requirementsFile: string): string {
  return join(PROJECT_DIR, '.venv', basename(dirname(requirementsFile)));
}

function computeStamp(requirementsFile: string, python: Python): string {
  const hash = createHash('sha256');
  // A virtual environment holds its own path, and is broken where the project has moved.
  for (const part of [readFileSync(requirementsFile, 'utf8'), python.version, PROJECT_DIR]) hash.update(`${part}\0`);
  return hash.digest('hex');
}

function toVenv(folder: string): Venv {
  return { python: interpreterPath(folder), bin: join(folder, 'bin') };
}

function interpreterPath(folder: string): string {
  return join(folder, 'bin/python');
}
