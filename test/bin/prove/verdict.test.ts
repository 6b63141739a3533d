import { describe, expect, it } from 'vitest';
import { judge, type Measured } from '../../../bin/prove/verdict.ts';
import { picoUsd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { measuredWith } from '../../support/measured.ts';

const ledger = (fields: object) => ({
  spent: picoUsd(10_000n),
  held: ZERO_USD,
  assumed: ZERO_USD,
  overrun: ZERO_USD,
  ...fields,
});
const billed = (amount: bigint) => picoUsd(amount);

describe('the verdict on a budget', () => {
  it.each<[string, Measured, RegExp | undefined]>([
    ['holds', measuredWith(), undefined],
    ['holds', measuredWith({ billed: billed(9_500n) }, 9_500n), undefined],
    ['starved', measuredWith({ billed: billed(9_499n) }, 9_499n), /less than 95 %/],
    ['overspent', measuredWith({ billed: billed(10_001n) }, 10_001n), /upstream billed \$0\.000000000001 more/],
    ['overspent', measuredWith({ ledger: ledger({ spent: picoUsd(10_002n) }), isExact: false }), /ledger has spent/],
    ['overspent', measuredWith({ ledger: ledger({ overrun: picoUsd(1n) }) }), /more than their bounds/],
    // Called overspent first, whatever else is wrong.
    ['overspent', measuredWith({ billed: billed(20_000n) }, 0n), /more than the budget/],
    [
      'miscounted',
      measuredWith({ billed: billed(9_900n) }),
      /spent \$0\.00000001 and the upstream billed \$0\.0000000099/,
    ],
    ['miscounted', measuredWith({ billed: billed(9_990n) }, 9_990n, 5n), /still held/],
    ['miscounted', measuredWith({ isExact: false, mayHold: true }, 9_000n, 999n), /short of the bill/],
    ['miscounted', measuredWith({ isExact: false }, 9_500n, 500n), /is still held, and nothing is in flight/],
    [
      'overspent',
      measuredWith({ isExact: false, mayHold: true }, 7_000n, 7_000n),
      /has spent and holds \$0.000000004 more/,
    ],
    ['faulty', measuredWith({ faults: ['3 calls were answered by internal_error'] }), /internal_error/],
  ])('%s', (verdict, measured, reason) => {
    const judged = judge(measured);
    expect(judged.verdict).toBe(verdict);
    if (reason === undefined) expect(judged.reasons).toEqual([]);
    else expect(judged.reasons.join()).toMatch(reason);
  });

  it('counts what a dead gateway holds as spent, and as usable only what was billed', () => {
    const judged = judge(measuredWith({ isExact: false, mayHold: true, billed: billed(9_600n) }, 8_000n, 2_000n));
    expect(judged).toEqual({ verdict: 'holds', overspend: 0n, usablePercent: 96, reasons: [] });
  });

  it('cuts a share off rather than round it up', () => {
    const budget = picoUsd(3n * 10_000n);
    expect(judge(measuredWith({ budget, billed: billed(29_999n) }, 29_999n)).usablePercent).toBe(99.99);
  });
});
