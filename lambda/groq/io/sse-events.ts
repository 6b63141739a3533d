/** The maximum size of an event, in bytes. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/**
 * Splits a stream of bytes into server-sent events and yields each as soon as it is complete. Bytes after the last blank
 * line are yielded at the end.
 *
 * @throws when the stream is cut, or an event is over 8 MiB.
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
    // A delimiter may start up to three bytes before the end of a chunk.
    searched = Math.max(0, rest.length - 3);
    if (rest.length > MAX_EVENT_BYTES) throw new Error(`an event of the stream is over ${MAX_EVENT_BYTES} bytes`);
  }
  if (rest.length > 0) yield rest;
}

function findEventEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf('\n\n', from);
  const crlf = bytes.indexOf('\r\n\r\n', from);
  if (lf >= 0 && (crlf < 0 || lf < crlf)) return lf + 2;
  return crlf < 0 ? -1 : crlf + 4;
}
