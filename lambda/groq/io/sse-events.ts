/** The largest event a stream may carry, in bytes: one beyond it is no answer but a fault. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/**
 * Cuts a stream of bytes into whole server-sent events, byte for byte, as soon as each is complete; what follows the
 * last blank line comes at the end. Throws when the stream breaks off, or an event is beyond 8 MiB.
 */
export async function* splitSseEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  let searched = 0;
  for await (const chunk of chunks) {
    rest =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = findEventEnd(rest, searched);
      if (end < 0) break;
      yield rest.subarray(0, end);
      rest = rest.subarray(end);
      searched = 0;
    }
    // An ending may straddle two chunks by up to three bytes.
    searched = Math.max(0, rest.length - 3);
    if (rest.length > MAX_EVENT_BYTES) throw new Error(`an event of the stream is beyond ${MAX_EVENT_BYTES} bytes`);
  }
  if (rest.length > 0) yield rest;
}

function findEventEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf('\n\n', from);
  const crlf = bytes.indexOf('\r\n\r\n', from);
  if (lf >= 0 && (crlf < 0 || lf < crlf)) return lf + 2;
  return crlf < 0 ? -1 : crlf + 4;
}
