import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../local/settings.ts';

/** Capabilities of `lambda/`, from the top down. A file imports its own capability's and those of lower rows. */
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

const rowOf = (file: string): number => {
  const capability = file.split('/')[1] ?? '';
  return file === 'lambda/contract.ts' ? ROWS.length : ROWS.findIndex((row) => row.includes(capability));
};

const importsOf = (folder: string) =>
  globSync(`${folder}/**/*.ts`, { cwd: PROJECT_DIR }).flatMap((file) => {
    const text = readFileSync(join(PROJECT_DIR, file), 'utf8');
    const targets = [...text.matchAll(/(?<![':"{.])\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      (match) => match[1] ?? '',
    );
    return targets.map((target) => ({ file, target: target.startsWith('.') ? join(file, '..', target) : target }));
  });

describe('imports', () => {
  it('run downwards between capabilities', () => {
    const upwards = importsOf('lambda').filter(
      ({ file, target }) =>
        file !== 'lambda/contract.ts' &&
        target.startsWith('lambda/') &&
        file.split('/')[1] !== target.split('/')[1] &&
        rowOf(target) <= rowOf(file),
    );
    expect(importsOf('lambda').length).toBeGreaterThan(500);
    expect(upwards).toEqual([]);
  });
});
