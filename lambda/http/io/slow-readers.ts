import { PassThrough, type Readable } from 'node:stream';

/** Limits of the bytes that wait for clients who read slowly. */
export type SlowReaderLimits = {
  /** For one reader. A completion of a whole window takes a few MiB of events. */
  readonly perReaderBytes: number;
  /** For all readers of the process together: an eighth of the function's memory of 512 MB. */
  readonly totalBytes: number;
};

const LIMITS: SlowReaderLimits = { perReaderBytes: 32 * 1024 * 1024, totalBytes: 64 * 1024 * 1024 };
/** The backlog from which a reader counts as slow, in bytes: fast ones cost no sum over all readers. */
const SLOW_FROM_BYTES = 64 * 1024;

/** A response body that waits for its reader without slowing the upstream. */
export type RelayBody = {
  readonly readable: Readable;
  /** Never fails. Writes nothing after the reader left or was cut off. */
  write(bytes: Uint8Array): void;
  end(): void;
  fail(error: Error): void;
};

type Reader = { readonly body: PassThrough; readonly onCutOff: (waitingBytes: number) => void };

/** The streams of a process, whose slowest readers are disconnected when too many bytes wait. */
export class SlowReaders {
  readonly #limits: SlowReaderLimits;
  readonly #readers = new Set<Reader>();

  constructor(limits: SlowReaderLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Opens a body. `onCutOff` receives the bytes that waited when its reader was disconnected. */
  open(onCutOff: (waitingBytes: number) => void): RelayBody {
    const body = new PassThrough();
    const reader: Reader = { body, onCutOff };
    this.#readers.add(reader);
    body.once('close', () => this.#readers.delete(reader));
    // A client that disconnects destroys the stream.
    body.on('error', () => {});
    return {
      readable: body,
      write: (bytes) => {
        if (body.destroyed) return;
        body.write(bytes);
        if (waitingBytes(reader) > SLOW_FROM_BYTES) this.#enforce(reader);
      },
      end: () => body.end(),
      fail: (error) => body.destroy(error),
    };
  }

  #enforce(writer: Reader): void {
    if (waitingBytes(writer) > this.#limits.perReaderBytes) this.#cutOff(writer);
    let total = 0;
    for (const reader of this.#readers) total += waitingBytes(reader);
    while (total > this.#limits.totalBytes && this.#readers.size > 0) {
      const slowest = [...this.#readers].reduce((a, b) => (waitingBytes(b) > waitingBytes(a) ? b : a));
      total -= waitingBytes(slowest);
      this.#cutOff(slowest);
    }
  }

  #cutOff(reader: Reader): void {
    const waited = waitingBytes(reader);
    this.#readers.delete(reader);
    reader.body.destroy(new Error('the client reads too slowly'));
    reader.onCutOff(waited);
  }
}

function waitingBytes({ body }: Reader): number {
  return body.destroyed ? 0 : body.writableLength + body.readableLength;
}
