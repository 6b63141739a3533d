import type { IncomingMessage } from 'node:http';
import { MAX_BODY_BYTES } from '../../lambda/contract.ts';

/** Bytes of an oversized body that are read and dropped before the connection is cut. */
const MAX_DROPPED_BYTES = 4 * MAX_BODY_BYTES;

/** Reads a request's body; undefined if the client disconnects. */
export function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // A client that is still sending cannot read a response, so the rest is read and dropped.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (bytes > MAX_DROPPED_BYTES) resolve('too large');
    });
    request.once('end', () => resolve(bytes > MAX_BODY_BYTES ? 'too large' : Buffer.concat(chunks)));
    request.once('close', () => resolve(undefined));
  });
}
