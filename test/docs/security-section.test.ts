import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';

const read = (file: string) => readFileSync(join(PROJECT_DIR, file), 'utf8');
const [, section = ''] = read('README.md').split('## For security reviewers');
const [table = ''] = section.split('\n## ');
const rows = table.split('\n').filter((line) => /^\| [A-Z]/.test(line));
const named = rows.flatMap((row) =>
  [...row.matchAll(/\[([^\]]+)\]\(([^)]+)\): `([^`]+)`/g)].map(([, , file = '', name = '']) => ({ file, name })),
);

describe('the section for security reviewers', () => {
  it('answers each threat by a test', () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) expect(row).toMatch(/\]\(test\/[^)]+\): `/);
    expect(named).toHaveLength(table.split('](test/').length - 1);
  });

  it.each(named)('names a test that is there: $file: $name', ({ file, name }) => {
    expect(existsSync(join(PROJECT_DIR, file))).toBe(true);
    const text = read(file);
    expect([`'${name}',`, `"${name}",`, `\`${name}\`,`].some((quoted) => text.includes(quoted))).toBe(true);
  });
});
