import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PROJECT_DIR, StartError } from '../settings.ts';

/** A supported Python: its command and version. */
export type Python = { readonly command: string; readonly version: string };

/** A virtual environment: its interpreter and the folder of its commands. */
export type Venv = { readonly python: string; readonly bin: string };

const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const MIN_MINOR_VERSION = 10;
const ADVICE = 'install it or set PYTHON to its path';
const VERSION = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
const OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Finds a Python 3.10 or later: the one that PYTHON names, or else the first on PATH.
 *
 * @param readVersion returns the version of a command, or undefined if it is not a Python
 * @throws StartError if there is none, or PYTHON names something else.
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
  const result = spawnSync(command, ['-c', VERSION], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/**
 * Returns the virtual environment of a requirements file if it is complete and up to date: the file, Python's version and
 * the project's path are unchanged.
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
 * Returns the virtual environment of a requirements file, in `.venv/<name of the file's folder>`, and creates it if needed.
 * The stamp is written last, so an incomplete environment is created again.
 *
 * @throws StartError without a Python, if Python cannot create an environment, or pip cannot install the requirements.
 */
export async function ensureVenv(requirementsFile: string): Promise<Venv> {
  const python = findPython();
  const ready = findVenv(requirementsFile, python);
  if (ready !== undefined) return ready;
  const folder = venvFolder(requirementsFile);
  // The pip of an interrupted start may still be writing its last file.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  await mkdir(dirname(folder), { recursive: true });
  const venvError = await run(python.command, ['-m', 'venv', folder]);
  if (venvError !== undefined) {
    throw new StartError(
      `${python.command} cannot create a virtual environment in ${folder}; on Debian, install python3-venv (${lastLine(venvError)})`,
    );
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirementsFile];
  const pipError = await run(interpreterPath(folder), pip);
  if (pipError !== undefined) throw new StartError(`pip could not install ${requirementsFile}:\n${pipError}`);
  await writeFile(join(folder, 'stamp'), computeStamp(requirementsFile, python));
  return toVenv(folder);
}

/** Runs a command. Returns its output if it failed, and undefined if it succeeded. */
async function run(command: string, args: readonly string[]): Promise<string | undefined> {
  return await new Promise((resolve) => {
    // If this process exits, so must pip: it would write into the next start's folder.
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
  // A virtual environment contains its own path, and breaks when the project moves.
  for (const part of [readFileSync(requirementsFile, 'utf8'), python.version, PROJECT_DIR]) hash.update(`${part}\0`);
  return hash.digest('hex');
}

function toVenv(folder: string): Venv {
  return { python: interpreterPath(folder), bin: join(folder, 'bin') };
}

function interpreterPath(folder: string): string {
  return join(folder, 'bin/python');
}
