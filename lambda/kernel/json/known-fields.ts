import { isObject } from './json-object.ts';

/** The parts of a schema that list its fields. */
type Schema = { readonly entries?: Readonly<Record<string, unknown>>; readonly wrapped?: unknown };

/**
 * Drops the fields that a schema does not know, at every level. Published policies are read this way, because an earlier
 * or later version may have published them, and a rollback must work. Files are parsed strictly instead.
 */
export function pickKnownFields(schema: unknown, content: unknown): unknown {
  const { entries, wrapped } = schema as Schema;
  if (entries === undefined) return wrapped === undefined ? content : pickKnownFields(wrapped, content);
  if (!isObject(content)) return content;
  const known = Object.entries(content).filter(([field]) => Object.hasOwn(entries, field));
  return Object.fromEntries(known.map(([field, value]) => [field, pickKnownFields(entries[field], value)]));
}
