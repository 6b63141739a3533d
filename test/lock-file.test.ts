import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT_DIR } from '../local/settings.ts';

type Entry = { readonly optionalDependencies?: Readonly<Record<string, string>> };

const text = readFileSync(join(PROJECT_DIR, 'package-lock.json'), 'utf8');
const packages: Readonly<Record<string, Entry>> = JSON.parse(text).packages;

it('locks the packages of every platform, for npm ci refuses a lock file that a registry without them has thinned', () => {
  const platform = /(android|darwin|freebsd|linux|win32|openharmony)-/;
  const wanted = Object.values(packages).flatMap(({ optionalDependencies }) =>
    Object.keys(optionalDependencies ?? {}).filter((name) => platform.test(name)),
  );
  expect(wanted.length).toBeGreaterThan(50);
  expect(wanted.filter((name) => !(`node_modules/${name}` in packages))).toEqual([]);
});

it('names no registry', () => {
  expect(text).not.toMatch(/"resolved"|https?:\/\/[^"]*registry/);
});
