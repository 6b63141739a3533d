import { describe, expect, it } from 'vitest';
import { picoUsd, picoUsdFromNumber } from '../../../../lambda/kernel/money.ts';
import {
  decimalPlaces,
  formatChange,
  formatCount,
  formatExactUsd,
  formatLimit,
  formatUsd,
  sanitizeForTerminal,
  wholePercent,
} from '../../../../lambda/reporting/render/format.ts';

const usd = picoUsdFromNumber;

describe('formatted figures', () => {
  it.each([
    [1234.5, 2, '$1,234.50'],
    [0.005, 2, '$0.01'],
    [0.0049, 2, '<$0.01'],
    [-0.001, 2, '<-$0.01'],
    [-12.346, 2, '-$12.35'],
    [0, 2, '$0.00'],
    [999_999.999, 2, '$1,000,000.00'],
    [0.000123, 6, '$0.000123'],
    [500, 0, '$500'],
  ])('%d dollars with %i decimals are %s', (amount, decimals, text) => {
    expect(formatUsd(usd(amount), decimals)).toBe(text);
  });

  it.each([
    [[], 2],
    [[0], 2],
    [[0.2, 3], 2],
    [[0.2, 0.001], 4],
    [[0.002], 6],
    [[-5], 2],
  ])('a column of %j has %i decimals', (amounts, decimals) => {
    expect(decimalPlaces(amounts.map(usd))).toBe(decimals);
  });

  it.each([
    [112, 100, '+12 %'],
    [95, 100, '-5 %'],
    [100, 100, '0 %'],
    [0, 100, '-100 %'],
    [1, 0, 'new'],
    [0, 0, '–'],
    [5_000, 2, '×2,500'],
    [10.5, 10, '+5 %'],
    [10.05, 10, '+1 %'],
  ])('from %d after %d is %s', (now, before, text) => {
    expect(formatChange(usd(now), usd(before))).toBe(text);
  });

  it('are exact where they claim to be', () => {
    expect([formatExactUsd(picoUsd(1n)), formatExactUsd(picoUsd(-1_500_000_000_000n))]).toEqual([
      '$0.000000000001',
      '-$1.5',
    ]);
    expect([formatLimit(usd(200)), formatLimit(usd(12.5)), formatLimit(usd(1_500))]).toEqual([
      '$200',
      '$12.50',
      '$1,500',
    ]);
    expect([wholePercent(usd(1), usd(3)), wholePercent(usd(-1), usd(2)), wholePercent(usd(1), usd(0))]).toEqual([
      33n,
      -50n,
      0n,
    ]);
    expect(formatCount(1_234_567)).toBe('1,234,567');
  });

  it('contain no control characters for a terminal', () => {
    expect(sanitizeForTerminal('a\u001b[2Jb\u009bc\r\nd')).toBe('a?[2Jb?c??d');
  });
});
