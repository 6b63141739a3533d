// The global `awslambda` of Lambda's Node runtime, for ministack's workers (see fixes/streaming.py). It is CommonJS because the
// worker's script is.
const net = require('node:net');
const { Writable } = require('node:stream');
const { finished } = require('node:stream/promises');

/** Field of an event with the path of the socket for the response. Without it, the response is returned whole. */
const SOCKET_FIELD = '__responseSocket';
const SEPARATOR = new Uint8Array(8);

/** A response stream that writes to a socket, or into memory. */
class ResponseStream extends Writable {
  written = [];
  prelude = undefined;
  #socket;

  constructor(socket) {
    super();
    this.#socket = socket;
    // As on Lambda, a handler is not notified when its client disconnects.
    socket?.on('error', () => {});
  }

  setContentType() {}

  // As in Lambda's runtime, the first write sends the prelude, and a bare end() does not.
  write(chunk, ...rest) {
    const prelude = this.prelude;
    this.prelude = undefined;
    if (prelude !== undefined) {
      super.write(prelude);
      super.write(SEPARATOR);
    }
    const isBytes = typeof chunk === 'string' || chunk instanceof Uint8Array;
    return super.write(isBytes ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _encoding, done) {
    if (this.#socket === undefined) this.written.push(chunk);
    if (this.#socket?.writable) this.#socket.write(chunk, () => done());
    else done();
  }

  _final(done) {
    if (this.#socket?.writable) this.#socket.end(() => done());
    else done();
  }

  _destroy(error, done) {
    this.#socket?.destroy();
    done(error);
  }
}

globalThis.awslambda = {
  streamifyResponse: (handler) => async (event, context) => {
    const { [SOCKET_FIELD]: path, ...visible } = event ?? {};
    const stream = new ResponseStream(path === undefined ? undefined : net.connect(path));
    try {
      const ended = finished(stream, { cleanup: true });
      // A failing handler destroys the stream. Its own error is the one to report.
      ended.catch(() => {});
      await handler(visible, stream, context);
      await ended;
    } catch (error) {
      stream.destroy();
      throw error;
    }
    return path === undefined ? Buffer.concat(stream.written).toString() : { streamed: true };
  },
  HttpResponseStream: {
    from(stream, metadata) {
      stream.prelude = JSON.stringify(metadata);
      return stream;
    },
  },
};
