import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSseEvents } from '../../../../lambda/groq/io/sse-events.ts';
import { StreamCut } from '../../../../lambda/groq/upstream.ts';

async function* from(chunks: readonly Uint8Array[]) {
  yield* chunks;
}
const collect = async (chunks: readonly Uint8Array[]) => {
  const events: string[] = [];
  for await (const event of splitSseEvents(from(chunks))) events.push(Buffer.from(event).toString('latin1'));
  return events;
};

describe('splitSseEvents', () => {
  it('yields whole events unchanged however the bytes are split', async () => {
    const line = fc.stringMatching(/^data: [a-zü€"{}]{0,20}$/);
    const ending = fc.constantFrom('\n\n', '\r\n\r\n', '\r\r', '\n\r\n', '\r\n\n');
    const event = fc.tuple(line, ending).map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (events, sizes) => {
          const bytes = Buffer.from(events.join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = sizes[n % sizes.length] as number;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(await collect(chunks)).toEqual(events.map((text) => Buffer.from(text).toString('latin1')));
        },
      ),
    );
  });

  it.each([
    ['data: a\r\rdata: b\r\r', ['data: a\r\r', 'data: b\r\r']],
    ['data: a\n\rdata: b\r\n\n', ['data: a\n\r', 'data: b\r\n\n']],
    ['data: a\rdata: b\n\n', ['data: a\rdata: b\n\n']],
    ['\n\r\ndata: a\n\n\n', ['\n\r\ndata: a\n\n', '\n']],
    [': note\n\nevent: x\ndata: a\n\n', [': note\n\n', 'event: x\ndata: a\n\n']],
  ])('knows every line end of the standard: %j', async (text, events) => {
    expect(await collect([Buffer.from(text)])).toEqual(events);
    const bytes = Array.from(Buffer.from(text), (byte) => Buffer.from([byte]));
    expect((await collect(bytes)).join('')).toBe(text);
    expect((await collect(bytes)).filter((event) => event.includes('data'))).toHaveLength(
      events.filter((event) => event.includes('data')).length,
    );
  });

  it('yields an event that ends with CR without waiting for the next', async () => {
    async function* stalled() {
      yield Buffer.from('data: a\r\r');
      await new Promise(() => {});
    }
    const first = await splitSseEvents(stalled()).next();
    expect(Buffer.from(first.value ?? []).toString()).toBe('data: a\r\r');
  });

  it('throws with the event that had begun when the stream breaks off', async () => {
    async function* broken() {
      yield Buffer.from('data: a\n\ndata: {"con');
      throw new Error('reset');
    }
    const seen: string[] = [];
    const read = async () => {
      for await (const event of splitSseEvents(broken())) seen.push(Buffer.from(event).toString());
    };
    const error = await read().catch((thrown: unknown) => thrown);
    expect(seen).toEqual(['data: a\n\n']);
    expect(error).toBeInstanceOf(StreamCut);
    expect(Buffer.from((error as StreamCut).rest).toString()).toBe('data: {"con');
  });

  it('yields the bytes after the last blank line', async () => {
    expect(await collect([Buffer.from('data: a\n\ndata: b')])).toEqual(['data: a\n\n', 'data: b']);
  });

  it('throws if an event never ends', async () => {
    const endless = Array.from({ length: 9 }, () => Buffer.alloc(1024 * 1024, 'x'));
    await expect(collect(endless)).rejects.toThrow('is over 8388608 bytes');
  });
});
