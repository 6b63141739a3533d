import { expect, it } from 'vitest';
import { type RelayBody, SlowReaders } from '../../../../lambda/http/io/slow-readers.ts';

const KIB = 1024;
/** Small, since the piece in transit is counted twice. */
const PIECE = Buffer.alloc(KIB);

function openReaders(count: number, limits = { perReaderBytes: 512 * KIB, totalBytes: 1024 * KIB }) {
  const readers = new SlowReaders(limits);
  const cutOff: number[] = [];
  const bodies = Array.from({ length: count }, (_, n) => readers.open(() => cutOff.push(n)));
  return { bodies, cutOff };
}

const write = (body: RelayBody | undefined, kib: number) => {
  for (let n = 0; n < kib; n++) body?.write(PIECE);
};

it('cuts off a reader for whom too much waits, and accepts further writes without an effect', () => {
  const { bodies, cutOff } = openReaders(2);
  write(bodies[0], 600);
  expect(cutOff).toEqual([0]);
  expect(bodies[0]?.readable.destroyed).toBe(true);
  expect(bodies[1]?.readable.destroyed).toBe(false);
});

it('cuts off the slowest when too much waits for all together', () => {
  const { bodies, cutOff } = openReaders(10);
  for (const body of bodies.slice(1)) write(body, 64);
  write(bodies[0], 400);
  expect(cutOff).toEqual([]);
  write(bodies[5], 100);
  expect(cutOff).toEqual([0]);
  write(bodies[6], 200);
  expect(cutOff).toEqual([0]);
});

it('bounds what waits for a hundred slow readers', () => {
  const { bodies } = openReaders(100);
  for (let n = 0; n < 200; n++) for (const body of bodies) body.write(PIECE);
  const waiting = bodies.map(({ readable }) => (readable.destroyed ? 0 : readable.readableLength));
  expect(waiting.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(1024 * KIB);
});

it('never cuts off readers that keep up, and forgets those that left', async () => {
  const { bodies, cutOff } = openReaders(3);
  const [fast, left, third] = bodies;
  let received = 0;
  const reading = (async () => {
    for await (const chunk of fast?.readable ?? []) received += (chunk as Buffer).length;
  })();
  write(left, 450);
  left?.readable.destroy();
  for (let n = 0; n < 100; n++) {
    write(fast, 64);
    await new Promise((resolve) => setImmediate(resolve));
  }
  write(third, 450);
  fast?.end();
  await reading;
  expect([received, cutOff]).toEqual([6_400 * PIECE.length, []]);
});
