import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ceilDivide, picoUsd, picoUsdFromNumber, toUsdString } from '../../../lambda/kernel/money.ts';

describe('money', () => {
  it.each([
    [0, 0n],
    [0.0375, 37_500_000_000n],
    [200, 200_000_000_000_000n],
    [3.075e-7, 307_500n],
    [0.1 + 0.2, 300_000_000_000n],
    [1e-12, 1n],
    [-1.5, -1_500_000_000_000n],
  ])('reads $%d exactly', (usd, pico) => {
    expect(picoUsdFromNumber(usd)).toBe(pico);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e15])('refuses %d as an amount', (usd) => {
    expect(() => picoUsdFromNumber(usd)).toThrow(RangeError);
  });

  it.each([
    [0n, '0'],
    [1n, '0.000000000001'],
    [30_750_000n, '0.00003075'],
    [200_000_000_000_000n, '200'],
    [-1_500_000_000_000n, '-1.5'],
  ])('writes %d pico-dollars as %s', (pico, text) => {
    expect(toUsdString(picoUsd(pico))).toBe(text);
  });

  it('writes any amount so that it can be read back exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (pico) => {
        const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)\.?(\d*)$/.exec(toUsdString(picoUsd(pico))) ?? [];
        expect(BigInt(`${sign}${whole}${fraction.padEnd(12, '0')}`)).toBe(pico);
      }),
    );
  });

  it('rounds a division up', () => {
    expect([ceilDivide(10n, 5n), ceilDivide(11n, 5n), ceilDivide(0n, 5n)]).toEqual([2n, 3n, 0n]);
  });
});
