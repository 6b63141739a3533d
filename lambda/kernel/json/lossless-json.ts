/** A JSON value kept as its text, because a JavaScript number would write it differently. */
export type RawJson = { readonly rawJSON: string };

declare global {
  // ECMAScript's "JSON.parse source text access" (stage 4), in Node since version 21.
  interface JSON {
    parse(
      text: string,
      reviver: (this: unknown, key: string, value: unknown, context: { readonly source: string }) => unknown,
    ): unknown;
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}

/** Bounds of a document: the deepest nesting, and the number of values. */
export type JsonBounds = { readonly maxDepth: number; readonly maxValues: number };

/**
 * Parses JSON so that `JSON.stringify` gives every number back digit for digit: one that JavaScript writes otherwise,
 * such as 9007199254740993 or 1.0, becomes a {@link RawJson}. Read numbers by {@link toNumber}.
 *
 * @throws SyntaxError
 */
export function parseLossless(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && String(value) !== source ? JSON.rawJSON(source) : value,
  );
}

/** The number that a parsed value stands for, or undefined for any other value. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : undefined;
}

/**
 * Returns which bound a document breaks, before anything of it is parsed: a parser would need a hundred times the memory
 * of a text such as `[{},{},…`. Counts brackets, braces and commas outside strings.
 */
export function findBrokenBound(text: string, { maxDepth, maxValues }: JsonBounds): keyof JsonBounds | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth++;
      values++;
      if (depth > maxDepth) return 'maxDepth';
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
    else if (code === COMMA) values++;
    if (values > maxValues) return 'maxValues';
  }
  return undefined;
}

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The index of the quote that closes the string opened at `from`; the end of the text where none does. */
function endOfString(text: string, from: number): number {
  let end = from;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

/** True if an odd number of backslashes precedes a character. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
