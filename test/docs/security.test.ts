import { describe, expect, it } from 'vitest';
import { hasTest, namedTests, readProjectFile } from '../support/named-tests.ts';

const [, section = ''] = readProjectFile('docs/security.md').split('## Threats');
const [threats = ''] = section.split('\n## ');
const rows = threats.split('\n').filter((line) => /^\| [A-Z]/.test(line));

describe('the table of threats', () => {
  it('answers each threat by a test', () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) expect(namedTests(row), row).not.toEqual([]);
    expect(namedTests(threats)).toHaveLength(threats.split('](../test/').length - 1);
  });

  it.each(namedTests(threats))('names a test that exists: $file: $title', (named) => {
    expect(hasTest(named)).toBe(true);
  });
});
