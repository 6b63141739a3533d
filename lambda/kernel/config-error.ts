import type * as v from 'valibot';
import { didYouMean } from './nearest-word.ts';

/** An invalid configuration. The message names the file, the place in it, and the correct value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Turns a schema's issues into one {@link ConfigError}; `fieldsAt` lists the known field names at a path. */
export function configError(
  file: string,
  issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]],
  place: (path: readonly PropertyKey[]) => string,
  fieldsAt: (path: readonly PropertyKey[]) => readonly string[],
): ConfigError {
  // A mistyped field is also reported as a missing one; the person can see the mistyped one in the file.
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
