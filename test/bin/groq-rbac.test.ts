import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';

const PROGRAM = join(PROJECT_DIR, 'bin/groq-rbac.ts');
const run = (...args: string[]) =>
  spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    // Nothing listens on this address: no call may leave this machine.
    env: {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_MAX_ATTEMPTS: '1',
    },
  });

it('prints help on standard output, and on standard error with exit code 2 when no command is given', () => {
  const { status, stdout, stderr } = run('--help');
  expect([status, stdout, stderr]).toEqual([0, expect.stringContaining('verify'), '']);
  expect(run()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('verify') });
});

it('prints a usage error in one line with exit code 2', () => {
  expect(run('keys', 'list', '--tem', 'chatbot')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: `error: unknown option '--tem' for "keys list"; did you mean '--team'? See: groq-rbac keys list --help\n`,
  });
});

it('prints in one line that AWS cannot be reached', () => {
  const { status, stderr } = run('verify', '--env', 'dev');
  expect([status, stderr.trim().split('\n').length]).toEqual([2, 1]);
  expect(stderr).toMatch(/^error: cannot read the stack groq-gateway-dev: /);
});

/** The files and packages that a file imports at its start, directly or through other files. */
function staticImports(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms,
  )) {
    if (name.startsWith('.')) staticImports(resolve(dirname(file), name), found);
    else found.add(name);
  }
  return found;
}

it('starts fast: it loads a command and its SDK clients only when the command runs', () => {
  const imports = [...staticImports(PROGRAM)];
  const packages = imports.filter((name) => !name.startsWith('/') && !name.startsWith('node:'));
  expect(packages).toEqual(['commander', 'fastest-levenshtein']);
  const files = imports.filter((name) => name.startsWith('/')).map((name) => relative(PROJECT_DIR, name));
  expect(files.filter((file) => file.startsWith('bin/commands/'))).toEqual([]);
});
