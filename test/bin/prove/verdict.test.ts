import { describe, expect, it } from 'vitest';
import { judge, type Measurement } from '../../../bin/prove/verdict.ts';
import { picoUsd, ZERO_USD } from '../../../lambda/kernel/money.ts';
import { measurementWith } from '../../support/measurement.ts';

const ledger = (fields: object) => ({
  spentPicoUsd: picoUsd(10_000n),
  reservedPicoUsd: ZERO_USD,
  assumedPicoUsd: ZERO_USD,
  overrunPicoUsd: ZERO_USD,
  ...fields,
});
const billed = (amount: bigint) => picoUsd(amount);

describe('the verdict on a budget', () => {
  it.each<[string, Measurement, RegExp | undefined]>([
    ['holds', measurementWith(), undefined],
    ['holds', measurementWith({ billed: billed(9_500n) }, 9_500n), undefined],
    ['starved', measurementWith({ billed: billed(9_499n) }, 9_499n), /less than 95 %/],
    ['overspent', measurementWith({ billed: billed(10_001n) }, 10_001n), /upstream billed \$0\.000000000001 more/],
    [
      'overspent',
      measurementWith({ ledger: ledger({ spentPicoUsd: picoUsd(10_002n) }), isExact: false }),
      /ledger has spent/,
    ],
    ['overspent', measurementWith({ ledger: ledger({ overrunPicoUsd: picoUsd(1n) }) }), /more than their bounds/],
    // Overspending takes precedence over other problems.
    ['overspent', measurementWith({ billed: billed(20_000n) }, 0n), /more than the budget/],
    [
      'miscounted',
      measurementWith({ billed: billed(9_900n) }),
      /spent \$0\.00000001 and the upstream billed \$0\.0000000099/,
    ],
    ['miscounted', measurementWith({ billed: billed(9_990n) }, 9_990n, 5n), /still held/],
    ['miscounted', measurementWith({ isExact: false, mayHold: true }, 9_000n, 999n), /short of the bill/],
    ['miscounted', measurementWith({ isExact: false }, 9_500n, 500n), /is still held, and nothing is in flight/],
    [
      'overspent',
      measurementWith({ isExact: false, mayHold: true }, 7_000n, 7_000n),
      /has spent and holds \$0.000000004 more/,
    ],
    ['faulty', measurementWith({ faults: ['3 calls were answered by internal_error'] }), /internal_error/],
  ])('%s', (verdict, measured, reason) => {
    const judged = judge(measured);
    expect(judged.verdict).toBe(verdict);
    if (reason === undefined) expect(judged.reasons).toEqual([]);
    else expect(judged.reasons.join()).toMatch(reason);
  });

  it('counts money held by a dead gateway as spent, and only billed money as usable', () => {
    const judged = judge(measurementWith({ isExact: false, mayHold: true, billed: billed(9_600n) }, 8_000n, 2_000n));
    expect(judged).toEqual({ verdict: 'holds', overspend: 0n, usablePercent: 96, reasons: [] });
  });

  it('truncates a share instead of rounding it up', () => {
    const budget = picoUsd(3n * 10_000n);
    expect(judge(measurementWith({ budget, billed: billed(29_999n) }, 29_999n)).usablePercent).toBe(99.99);
  });
});
