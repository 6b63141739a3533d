import './lossless-json.ts';

/** A JSON object from outside. */
export type JsonObject = { readonly [field: string]: unknown };

/** True for a JSON object, false for an array, for null, and for a number kept as its text (see lossless-json.ts). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value);
}

/** Node before version 21, on which the command line may run, has no raw JSON. */
function isRawJson(value: object): boolean {
  return 'rawJSON' in value && JSON.isRawJSON?.(value) === true;
}

/** Parses a JSON object; undefined for text that is not JSON, and for any other JSON value. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
