import { parseObject } from '../../kernel/json/json-object.ts';

/**
 * The maximum size of a response that is read whole, in bytes. The largest window of the catalog is 131,072 tokens; its
 * output, escaped as JSON, takes a few MiB.
 */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A response that cannot be used: its call was sent and may be billed. `code` is for operators. */
export class UnreadableAnswer extends Error {
  override readonly name = 'UnreadableAnswer';
  readonly code: 'ANSWER_EMPTY' | 'ANSWER_NOT_JSON' | 'ANSWER_TOO_LARGE' | 'ANSWER_IS_ERROR';

  constructor(code: UnreadableAnswer['code']) {
    super(code);
    this.code = code;
  }
}

/**
 * Reads a body to its end.
 *
 * @throws UnreadableAnswer if it is over {@link MAX_ANSWER_BYTES}; the rest is not received.
 */
export async function readBody(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) throw new UnreadableAnswer('ANSWER_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads a completion.
 *
 * @throws UnreadableAnswer for a body that is none, although the status says so.
 */
export async function readAnswer(content: AsyncIterable<Uint8Array> | null): Promise<string> {
  const text = await readBody(content);
  if (text.trim() === '') throw new UnreadableAnswer('ANSWER_EMPTY');
  const body = parseObject(text);
  if (body === undefined) throw new UnreadableAnswer('ANSWER_NOT_JSON');
  if (body.choices === undefined && (body.error ?? null) !== null) throw new UnreadableAnswer('ANSWER_IS_ERROR');
  return text;
}
