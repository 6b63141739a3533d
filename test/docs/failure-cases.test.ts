import { describe, expect, it } from 'vitest';
import { hasTest, namedTests, readProjectFile } from '../support/named-tests.ts';

const text = readProjectFile('docs/failure-cases.md');
const sections = text.split(/^## /m).slice(1);

describe('the list of failures', () => {
  it('has no section without an answer and a test', () => {
    expect(sections.length).toBeGreaterThanOrEqual(23);
    for (const section of sections) {
      expect(section).toMatch(/\*\*Elsewhere\.\*\*[\s\S]+\*\*Here\.\*\*/);
      expect(namedTests(section), section).not.toEqual([]);
    }
  });

  it('has no link that is not read as a test', () => {
    expect(namedTests(text)).toHaveLength(text.split('](').length - 1);
  });

  it.each(namedTests(text))('names a test that exists: $file: $title', (named) => {
    expect(named.label).toBe(named.file);
    expect(hasTest(named)).toBe(true);
  });
});
