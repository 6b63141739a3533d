import { StreamCut } from '../upstream.ts';

/** The maximum size of an event, in bytes. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

const [LF, CR] = [0x0a, 0x0d];

/**
 * Splits a stream of bytes into server-sent events and yields each as soon as it is complete. Bytes after the last blank
 * line are yielded at the end. Lines end with CR, LF or both (HTML standard, "server-sent events", read 2026-11-30).
 *
 * @throws StreamCut when the stream breaks off.
 * @throws when an event is over 8 MiB.
 */
export async function* splitSseEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const lines = new LineCounter();
  const pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const takePending = () => {
    const [first] = pending;
    const event = first !== undefined && pending.length === 1 ? first : Buffer.concat(pending);
    pending.length = 0;
    pendingBytes = 0;
    return event;
  };
  try {
    for await (const chunk of chunks) {
      let start = 0;
      for (const end of lines.findEventEnds(chunk)) {
        pending.push(chunk.subarray(start, end));
        yield takePending();
        start = end;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      if (pendingBytes > MAX_EVENT_BYTES) throw new EventTooLarge();
    }
  } catch (error) {
    throw error instanceof EventTooLarge ? error : new StreamCut(takePending(), error);
  }
  if (pending.length > 0) yield takePending();
}

class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';

  constructor() {
    super(`an event of the stream is over ${MAX_EVENT_BYTES} bytes`);
  }
}

/**
 * Finds blank lines across chunks. A CR at the end of a chunk may be half of a CRLF: after lines that end with a bare CR the
 * event is complete at once, after others once the next byte is known.
 */
class LineCounter {
  #isLineEmpty = true;
  #isEventEmpty = true;
  #isAfterCr = false;
  #hasBareCr = false;
  #isEndOpen = false;

  findEventEnds(chunk: Uint8Array): readonly number[] {
    const ends: number[] = [];
    if (this.#isEndOpen && chunk.length > 0) {
      this.#isEndOpen = false;
      ends.push(chunk[0] === LF ? 1 : 0);
    }
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === LF && this.#isAfterCr) {
        this.#isAfterCr = false;
        this.#hasBareCr = false;
      } else if (byte !== LF && byte !== CR) {
        this.#isAfterCr = false;
        this.#isLineEmpty = false;
        this.#isEventEmpty = false;
      } else {
        const isEventEnd = this.#isLineEmpty && !this.#isEventEmpty;
        const wasBareCr = this.#hasBareCr;
        this.#isLineEmpty = true;
        this.#isAfterCr = byte === CR;
        this.#hasBareCr = byte === CR;
        if (!isEventEnd) continue;
        this.#isEventEmpty = true;
        this.#isEndOpen = byte === CR && at + 1 === chunk.length && !wasBareCr;
        if (!this.#isEndOpen) ends.push(byte === CR && chunk[at + 1] === LF ? at + 2 : at + 1);
      }
    }
    return ends;
  }
}
