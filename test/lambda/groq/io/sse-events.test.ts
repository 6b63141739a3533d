import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitSseEvents } from '../../../../lambda/groq/io/sse-events.ts';

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
    const ending = fc.constantFrom('\n\n', '\r\n\r\n');
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

  it('yields the bytes after the last blank line', async () => {
    expect(await collect([Buffer.from('data: a\n\ndata: b')])).toEqual(['data: a\n\n', 'data: b']);
  });

  it('throws if an event never ends', async () => {
    const endless = Array.from({ length: 9 }, () => Buffer.alloc(1024 * 1024, 'x'));
    await expect(collect(endless)).rejects.toThrow('is over 8388608 bytes');
  });
});
