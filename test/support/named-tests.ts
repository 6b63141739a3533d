import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIR } from '../../local/settings.ts';

/** A test that a document names: the link's label, the file it points at and the test's title. */
export type NamedTest = { readonly label: string; readonly file: string; readonly title: string };

/** Reads a file of the project by its path. */
export function readProjectFile(file: string): string {
  return readFileSync(join(PROJECT_DIR, file), 'utf8');
}

/** The tests that a document in docs/ names as "[label](../file): `title`". */
export function namedTests(text: string): NamedTest[] {
  const matches = text.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\): `([^`]+)`/g);
  return [...matches].map(([, label = '', file = '', title = '']) => ({ label, file, title }));
}

/** True if the file has a test of this title: a quoted string that is the first argument of `it` or of `it.each(…)`. */
export function hasTest({ file, title }: NamedTest): boolean {
  if (!existsSync(join(PROJECT_DIR, file))) return false;
  const text = readProjectFile(file);
  return [`'${title}',`, `"${title}",`, `\`${title}\`,`].some((quoted) => text.includes(quoted));
}
