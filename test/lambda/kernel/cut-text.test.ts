import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutText } from '../../../lambda/kernel/cut-text.ts';

it.each([
  ['abc', 3, 'abc'],
  ['abcd', 3, 'abc…'],
  ['ab💶', 3, 'ab💶'],
  ['ab💶d', 3, 'ab💶…'],
  ['💶💶💶💶', 3, '💶💶💶…'],
  ['a\ud83d', 5, 'a\ufffd'],
])('cuts %j to %i code points', (text, max, cut) => {
  expect(cutText(text, max)).toBe(cut);
});

it('never leaves half of a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(30), (text, max) => {
      const cut = cutText(text, max);
      expect(cut.isWellFormed()).toBe(true);
      expect(Array.from(cut).length).toBeLessThanOrEqual(max + 1);
    }),
  );
});
