/**
 * Tokenizers that bound tokens by the bytes of a text. Both are byte-level BPE, which makes at most one token a byte.
 * `bytes`: OpenAI's o200k, which reads the text as it is. `bytesAfterNfc`: Qwen's, which normalizes to NFC first
 * (tokenizer.json, `normalizer: {"type": "NFC"}`, read 2026-11-30), and NFC may grow a text threefold: U+1D160 is 4 bytes
 * as sent and 12 as read.
 */
export const TEXT_BOUNDS = ['bytes', 'bytesAfterNfc'] as const;

/** One of {@link TEXT_BOUNDS}. */
export type TextBound = (typeof TEXT_BOUNDS)[number];

/**
 * Bytes by which texts that stand side by side may grow further when they are normalized together: a mark may enter a
 * letter composed before it and take it apart. Composed letters have at most four code points; property-tested.
 */
const SEAM_BYTES = 16;

const encoder = new TextEncoder();

/** Returns the length of a text in UTF-8 bytes. */
export function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/** Returns the most tokens that a text can be, wherever it stands among others. */
export function boundTextTokens(text: string, bound: TextBound): number {
  const bytes = utf8Bytes(text);
  if (bound === 'bytes' || bytes === text.length) return bytes;
  // Seen together with what stands beside it, a text may be read in either form.
  return Math.max(bytes, utf8Bytes(text.normalize('NFC'))) + SEAM_BYTES;
}
