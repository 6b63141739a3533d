import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { readSecret, type Terminal } from '../../bin/secret-prompt.ts';

/** A terminal or a pipe into which a test types. */
function fakeTerminal(isTTY: boolean) {
  const modes: boolean[] = [];
  const input = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (isRaw: boolean) => void modes.push(isRaw),
    setEncoding: () => {},
    resume: () => {},
    pause: () => {},
  });
  const said: string[] = [];
  const read = () => readSecret('Key: ', input as unknown as Terminal, (text) => said.push(text));
  return { input, modes, said, read };
}

it('reads what a person types without an echo, and gives the terminal back', async () => {
  const { input, modes, said, read } = fakeTerminal(true);
  const secret = read();
  for (const chunk of ['gsk_ab', 'x', '\u007f', 'c\r']) input.emit('data', chunk);
  expect(await secret).toBe('gsk_abc');
  expect(said).toEqual(['Key: ', '\n']);
  expect(modes).toEqual([true, false]);
});

it('is broken off by Ctrl-C, and gives the terminal back', async () => {
  const { input, modes, read } = fakeTerminal(true);
  const secret = read();
  input.emit('data', 'gsk\u0003');
  await expect(secret).rejects.toThrow('broken off');
  expect(modes).toEqual([true, false]);
});

it('reads a pipe to its end, asks nothing, and refuses what is no key by its size or its lack', async () => {
  const { input, said, read } = fakeTerminal(false);
  const secret = read();
  input.emit('data', 'gsk_ab');
  input.emit('data', 'c\n');
  input.emit('end');
  expect(await secret).toBe('gsk_abc');
  expect(said).toEqual([]);
  const empty = fakeTerminal(false);
  const nothing = empty.read();
  empty.input.emit('end');
  await expect(nothing).rejects.toThrow('no key came');
  const huge = fakeTerminal(false);
  const file = huge.read();
  huge.input.emit('data', 'x'.repeat(5_000));
  await expect(file).rejects.toThrow('more than a key');
});
