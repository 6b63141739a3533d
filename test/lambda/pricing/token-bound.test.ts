import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundTextTokens, utf8Bytes } from '../../../lambda/pricing/token-bound.ts';

const readBytes = (text: string) => utf8Bytes(text.normalize('NFC'));

describe('a bound on tokens by the bytes that the tokenizer reads', () => {
  it.each([
    ['Hello', 5, 5],
    ['日本語', 9, 25],
    ['\u{1d160}', 4, 28],
    ['e\u0301', 3, 19],
  ])('counts %s', (text, bytes, bytesAfterNfc) => {
    expect(boundTextTokens(text, 'bytes')).toBe(bytes);
    expect(boundTextTokens(text, 'bytesAfterNfc')).toBe(bytesAfterNfc);
  });

  it('holds for every code point, alone and repeated', () => {
    const broken: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const text = String.fromCodePoint(code);
      // Only what normalization changes can grow.
      if (text.normalize('NFC') === text) continue;
      for (const each of [text, text.repeat(3)])
        if (readBytes(each) > boundTextTokens(each, 'bytesAfterNfc')) broken.push(code.toString(16));
    }
    expect(broken).toEqual([]);
  });

  it('holds for texts side by side, whose seams a normalizing tokenizer may rewrite', () => {
    const marks = [
      '\u0300',
      '\u0323',
      '\u0327',
      '\u0328',
      '\u0338',
      '\u0345',
      '\u3099',
      '\u{1d165}',
      '\u11a8',
      '\u1161',
    ];
    const letters = ['e', 'é', 'ệ', 'ǖ', 'ᾂ', '가', 'か', 'ᄀ', '\u{1d15e}', 'x', '≠', '\u0958', '\u1e69'];
    const piece = fc.oneof(
      fc.array(fc.constantFrom(...letters, ...marks), { maxLength: 6 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), (pieces) => {
        const bound = pieces.reduce((sum, text) => sum + boundTextTokens(text, 'bytesAfterNfc'), 0);
        expect(readBytes(pieces.join(''))).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 2_000 },
    );
  });
});
