import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';

const read = (file: string) => readFileSync(join(PROJECT_DIR, file), 'utf8');
const rows = read('docs/failure-cases.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.split(' | '));
const named = rows.flatMap(([what = '', , tests = '']) =>
  [...tests.matchAll(/\[([^\]]+)\]\(\.\.\/([^)]+)\): `([^`]+)`/g)].map(([, label, file = '', name = '']) => ({
    what,
    label,
    file,
    name,
  })),
);

describe('the table of failures', () => {
  it('has no line without a test', () => {
    expect(rows.length).toBeGreaterThanOrEqual(23);
    const found = new Set(named.map(({ what }) => what));
    expect(rows.filter(([what = '']) => !found.has(what))).toEqual([]);
    // Each link in the last column has been read as a test.
    const links = rows.reduce((sum, [, , tests = '']) => sum + tests.split('](').length - 1, 0);
    expect(named).toHaveLength(links);
  });

  it.each(named)('names a test that is there: $file: $name', ({ label, file, name }) => {
    expect(label).toBe(file);
    expect(existsSync(join(PROJECT_DIR, file))).toBe(true);
    // As the first argument of `it` or of what `it.each` gives.
    const text = read(file);
    const isThere = [`'${name}',`, `"${name}",`, `\`${name}\`,`].some((quoted) => text.includes(quoted));
    expect(isThere, `no test "${name}" in ${file}`).toBe(true);
  });
});
