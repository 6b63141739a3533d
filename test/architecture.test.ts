import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../local/settings.ts';

/** Capabilities of `lambda/`, from the top down. A file imports from its own capability and from lower rows. */
const ROWS: readonly (readonly string[])[] = [
  ['functions'],
  ['http', 'reporting'],
  ['chat', 'alerts'],
  ['groq-keys', 'team-keys'],
  ['usage', 'deployment'],
  ['groq', 'access'],
  ['ledger'],
  ['policy', 'secrets'],
  ['pricing', 'telemetry'],
  ['kernel'],
];

const CONTRACT = 'lambda/contract.ts';
const SOURCE_FOLDERS = ['bin', 'lib', 'lambda', 'local', 'bench', 'config'];

/** Longest files by folder, in lines: the conventions' bounds with room for imports. */
const MAX_LINES = { lambda: 150, lib: 120, local: 150, bin: 150, bench: 150, config: 150, test: 300 } as const;
/** Files that are easier to read whole, each with its reason. */
const LONGER_FILES: Readonly<Record<string, string>> = {
  'bench/rotation/rotation-testbed.ts': 'one testbed, a line over',
  'lambda/deployment/policy-changes.ts': 'one list of what changed between two environments',
  'lambda/kernel/io/dynamo-table.ts': 'one class, the whole API of a table',
  'lambda/policy/environment.ts': 'one reading of an environment file, from top to bottom',
  'lambda/pricing/catalog-schema.ts': 'the schema of one file',
};

const MAX_FILES_IN_FOLDER = 20;

type Import = { readonly file: string; readonly target: string };

const sources = (folder: string): readonly string[] => globSync(`${folder}/**/*.ts`, { cwd: PROJECT_DIR });
const read = (file: string): string => readFileSync(join(PROJECT_DIR, file), 'utf8');

const importsOfFile = (file: string): readonly Import[] =>
  [...read(file).matchAll(/(?<![':"{.])\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target = '']) => ({
    file,
    target: target.startsWith('.') ? join(file, '..', target) : target,
  }));
const importsIn = (folder: string): readonly Import[] => sources(folder).flatMap(importsOfFile);

const capability = (file: string): string => file.split('/')[1] ?? '';
const row = (file: string): number =>
  file === CONTRACT ? ROWS.length : ROWS.findIndex((names) => names.includes(capability(file)));
const isPure = (file: string): boolean =>
  file.startsWith('lambda/') && !file.includes('/io/') && !file.startsWith('lambda/functions/');

/** A cycle of imports, as the files on it, or undefined. Type imports count. */
function findCycle(files: readonly string[]): readonly string[] | undefined {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (state.get(file) === 'done') return undefined;
    if (state.get(file) === 'open') return [...path.slice(path.indexOf(file)), file];
    state.set(file, 'open');
    path.push(file);
    for (const { target } of importsOfFile(file)) {
      const cycle = files.includes(target) ? visit(target) : undefined;
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    state.set(file, 'done');
    return undefined;
  };
  for (const file of files) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('imports', () => {
  it('are found at all', () => {
    expect(importsIn('lambda').length).toBeGreaterThan(500);
    expect(
      new Set(
        sources('lambda')
          .filter((file) => file !== CONTRACT)
          .map(capability),
      ),
    ).toEqual(new Set(ROWS.flat()));
  });

  it('run downwards between capabilities', () => {
    const upwards = importsIn('lambda').filter(
      ({ file, target }) =>
        file !== CONTRACT &&
        target.startsWith('lambda/') &&
        capability(file) !== capability(target) &&
        row(target) <= row(file),
    );
    expect(upwards).toEqual([]);
  });

  it('form no cycle', () => {
    expect(findCycle(SOURCE_FOLDERS.flatMap(sources))).toBeUndefined();
  });

  it('of pure files stay away from AWS, Node and io/', () => {
    const allowed = /^(lambda\/(?!functions\/)(?!.*\/io\/)|valibot$|fastest-levenshtein$)/;
    const impure = importsIn('lambda').filter(
      ({ file, target }) => isPure(file) && file !== CONTRACT && !allowed.test(target),
    );
    expect(impure).toEqual([]);
  });

  it('of lambda/ never reach lib, local or bin, and those of lib only contract.ts and pure files', () => {
    const outwards = importsIn('lambda').filter(({ target }) =>
      /^(lib|local|bin|bench|test|aws-cdk-lib)\b/.test(target),
    );
    const inwards = importsIn('lib').filter(
      ({ target }) => /^(local|bin|bench|test)\//.test(target) || (target.startsWith('lambda/') && !isPure(target)),
    );
    expect([...outwards, ...inwards]).toEqual([]);
  });
});

describe('files', () => {
  it('of tests stand where their sources do', () => {
    const orphans = globSync('test/{bin,lib,lambda,local,bench}/**/*.test.ts', { cwd: PROJECT_DIR }).filter((test) => {
      const [name = ''] = basename(test).split('.');
      return !sources(dirname(test).slice('test/'.length)).includes(
        join(dirname(test).slice('test/'.length), `${name}.ts`),
      );
    });
    expect(orphans).toEqual([]);
  });

  it('are few in each folder', () => {
    const counts = new Map<string, number>();
    for (const file of [...SOURCE_FOLDERS, 'test'].flatMap((folder) =>
      globSync(`${folder}/**/*.*`, { cwd: PROJECT_DIR }),
    ))
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES_IN_FOLDER)).toEqual([]);
  });

  it('are short, but for those listed with a reason', () => {
    const long = Object.entries(MAX_LINES).flatMap(([folder, max]) =>
      sources(folder).filter((file) => read(file).split('\n').length - 1 > max),
    );
    expect(long.sort()).toEqual(Object.keys(LONGER_FILES).sort());
  });
});
