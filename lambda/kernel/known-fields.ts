import { isObject } from './json-object.ts';

/** As much of a schema as tells its fields. */
type Schema = { readonly entries?: Readonly<Record<string, unknown>>; readonly wrapped?: unknown };

/**
 * Leaves out the fields that a schema does not know, at every level. What has been published is read so: a version before
 * this one, or after it, may know other fields, and must be able to serve and to be rolled back to. Files are read
 * strictly instead.
 */
export function pickKnownFields(schema: unknown, content: unknown): unknown {
  const { entries, wrapped } = schema as Schema;
  if (entries === undefined) return wrapped === undefined ? content : pickKnownFields(wrapped, content);
  if (!isObject(content)) return content;
  const known = Object.entries(content).filter(([field]) => Object.hasOwn(entries, field));
  return Object.fromEntries(known.map(([field, value]) => [field, pickKnownFields(entries[field], value)]));
}
