import { describe, expect, it } from 'vitest';
import { hasTest, namedTests, readProjectFile } from '../support/named-tests.ts';

const [, section = ''] = readProjectFile('docs/security.md').split('\n## Threats');
const [text = ''] = section.split('\n## ');
const threats = text.split(/^### /m).slice(1);

describe('the list of threats', () => {
  it('answers each threat by a test', () => {
    expect(threats.length).toBeGreaterThan(10);
    for (const threat of threats) expect(namedTests(threat), threat).not.toEqual([]);
    expect(namedTests(text)).toHaveLength(text.split('](').length - 1);
  });

  it.each(namedTests(text))('names a test that exists: $file: $title', (named) => {
    expect(hasTest(named)).toBe(true);
  });
});
