import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';
import { readProjectFile } from '../support/named-tests.ts';

const runbook = readProjectFile('docs/operations.md');
const sources = globSync(['lambda/**/*.ts', 'local/dynamodb/*.ts'], { cwd: PROJECT_DIR }).map(readProjectFile);
const events = new Set(
  sources
    .flatMap((source) => [...source.matchAll(/(?:\blog\(\s*|#log\(\s*|\bevent: )'([a-z]+(?:_[a-z]+)*)'/g)])
    .map(([, event]) => event),
);

describe('the runbook', () => {
  it('names every log event', () => {
    expect(events.size).toBeGreaterThan(35);
    expect([...events].filter((event) => !runbook.includes(`**\`${event}\`**`))).toEqual([]);
  });

  it('names no log event that nothing writes', () => {
    const [, section = ''] = runbook.split('\n## Log events\n');
    const [text = ''] = section.split('\n## ');
    const named = [...text.matchAll(/\*\*`([a-z_]+)`\*\*/g)].map(([, event = '']) => event);
    expect(named.filter((event) => !sources.some((source) => source.includes(`'${event}'`)))).toEqual([]);
  });
});
