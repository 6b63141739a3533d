import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_DIR } from '../../local/settings.ts';
import { readProjectFile } from '../support/named-tests.ts';

const documents = globSync(['*.md', 'docs/**/*.md', '.github/**/*.md'], { cwd: PROJECT_DIR });

/** The anchor that GitHub makes of a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (file: string) =>
  [...readProjectFile(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading));

describe('links in documents', () => {
  it('are found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/operations.md']));
  });

  it.each(documents)('point at files and headings that exist: %s', (file) => {
    const links = [...readProjectFile(file).matchAll(/(?:\]\(|src="|href="|srcset=")([^)"\s]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target));
    const broken = links.filter((link) => {
      const [path = '', heading] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(PROJECT_DIR, target))) return true;
      return heading !== undefined && !anchors(target).includes(heading);
    });
    expect(broken).toEqual([]);
  });
});
