import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject } from '../../../../lambda/kernel/json/json-object.ts';
import { findBrokenBound, parseLossless, toNumber } from '../../../../lambda/kernel/json/lossless-json.ts';

const BOUNDS = { maxDepth: 3, maxValues: 10 };

describe('lossless JSON', () => {
  it.each(['9007199254740993', '1.0', '-0', '1e400', '0.1000', '1E3', '123456789012345678901234567890'])(
    'gives %s back digit for digit',
    (number) => {
      const text = `{"seed":${number},"list":[${number}]}`;
      expect(JSON.stringify(parseLossless(text))).toBe(text);
    },
  );

  it('gives every document back that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.stringify(parseLossless(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('reads numbers in either form, and takes neither for an object', () => {
    const { exact, kept } = parseLossless('{"exact":5,"kept":5.0}') as { exact: unknown; kept: unknown };
    expect([toNumber(exact), toNumber(kept), toNumber('5')]).toEqual([5, 5, undefined]);
    expect([isObject(exact), isObject(kept), isObject({ rawJSON: '5' })]).toEqual([false, false, true]);
  });
});

describe('bounds of a document', () => {
  it.each([
    ['[[[1]]]', undefined],
    ['[[[[1]]]]', 'maxDepth'],
    ['["[[[[",2]', undefined],
    ['["\\\\",[[[', 'maxDepth'],
    ['["\\"[[[[\\\\"]', undefined],
    [`[${'1,'.repeat(8)}1]`, undefined],
    [`[${'1,'.repeat(9)}1]`, 'maxValues'],
    [`[${'{},'.repeat(5)}{}]`, 'maxValues'],
    [`["${','.repeat(50)}"]`, undefined],
    ['"unclosed', undefined],
  ])('of %s are judged before it is parsed: %s', (text, broken) => {
    expect(findBrokenBound(text, BOUNDS)).toBe(broken);
  });
});
