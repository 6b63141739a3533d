import { describe, expect, it } from 'vitest';
import { columnDecimals, formatAge, formatShare, money } from '../../../local/dashboard/format.ts';

describe('figures are shown', () => {
  it.each([
    ['0', '$0.00'],
    ['1234.5', '$1,234.50'],
    ['0.25', '$0.2500'],
    ['0.00003075', '$0.000031'],
    ['0.0000001', '< $0.000001'],
    ['-1.5', '-$1.50'],
  ])('%s dollars as %s', (usd, text) => {
    expect(money(usd)).toBe(text);
  });

  it('with the same decimals in a column, and never as zero for a small amount', () => {
    const decimals = columnDecimals(['0.004', '12.3', '0']);
    expect(['0.004', '12.3', '0'].map((usd) => money(usd, decimals))).toEqual(['< $0.01', '$12.30', '$0.00']);
  });

  it.each([
    [0, '0%'],
    [0.0004, '< 0.1%'],
    [0.026, '2.6%'],
    [0.29, '29%'],
    [0.4999, '49%'],
    [0.7999, '79%'],
    [1, '100%'],
  ])('the share %d as %s', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  it.each([
    [5_000, 'just now'],
    [119_000, '1 min'],
    [26 * 3_600_000, '26 h'],
    [1_000 * 86_400_000, '1,000 days'],
  ])('%d ms as %s', (ageMs, text) => {
    expect(formatAge(ageMs)).toBe(text);
  });
});
