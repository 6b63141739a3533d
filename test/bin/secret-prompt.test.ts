import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { readSecret, type Terminal } from '../../bin/secret-prompt.ts';

/** A terminal or a pipe that a test writes to. */
function fakeTerminal(isTTY: boolean) {
  const modes: boolean[] = [];
  const input = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (isRaw: boolean) => void modes.push(isRaw),
    setEncoding: () => {},
    resume: () => {},
    pause: () => {},
  });
  const prompts: string[] = [];
  const read = () => readSecret('Key: ', input as unknown as Terminal, (text) => prompts.push(text));
  return { input, modes, prompts, read };
}

it('reads a typed secret without echo, and resets the terminal', async () => {
  const { input, modes, prompts, read } = fakeTerminal(true);
  const secret = read();
  for (const chunk of ['gsk_ab', 'x', '\u007f', 'c\r']) input.emit('data', chunk);
  expect(await secret).toBe('gsk_abc');
  expect(prompts).toEqual(['Key: ', '\n']);
  expect(modes).toEqual([true, false]);
});

it('is cancelled by Ctrl-C, and resets the terminal', async () => {
  const { input, modes, read } = fakeTerminal(true);
  const secret = read();
  input.emit('data', 'gsk\u0003');
  await expect(secret).rejects.toThrow('cancelled');
  expect(modes).toEqual([true, false]);
});

it('reads a pipe to its end without a prompt, and refuses an empty or an oversized input', async () => {
  const { input, prompts, read } = fakeTerminal(false);
  const secret = read();
  input.emit('data', 'gsk_ab');
  input.emit('data', 'c\n');
  input.emit('end');
  expect(await secret).toBe('gsk_abc');
  expect(prompts).toEqual([]);
  const empty = fakeTerminal(false);
  const emptySecret = empty.read();
  empty.input.emit('end');
  await expect(emptySecret).rejects.toThrow('no key given');
  const huge = fakeTerminal(false);
  const hugeSecret = huge.read();
  huge.input.emit('data', 'x'.repeat(5_000));
  await expect(hugeSecret).rejects.toThrow('too long for a key');
});
