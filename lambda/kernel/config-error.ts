import type * as v from 'valibot';
import { didYouMean } from './nearest-word.ts';

/** A configuration that cannot be used; the message names the file, the place in it, and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Turns a schema's complaints into one a {@link ConfigError}; `fieldsAt` lists the right names at a path. */
export function configError(
  file: string,
  issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]],
  place: (path: readonly PropertyKey[]) => string,
  fieldsAt: (path: readonly PropertyKey[]) => readonly string[],
): ConfigError {
  // A mistyped name makes another one missing: the mistyped one is what a person can see in the file.
  const issue = issues.find(isUnknownField) ?? issues[0];
  const path = (issue.path ?? []).map((step) => step.key as PropertyKey);
  const field = String(path.at(-1) ?? '');
  if (isUnknownField(issue)) {
    const known = fieldsAt(path.slice(0, -1));
    const hint = didYouMean(field, known) || `; the fields here are ${known.join(', ')}`;
    return new ConfigError(`${file}: ${place(path.slice(0, -1))}unknown field "${field}"${hint}`);
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined') {
    return new ConfigError(`${file}: ${place(path.slice(0, -1))}"${field}" is missing`);
  }
  return new ConfigError(`${file}: ${place(path)}${issue.message}`);
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}
