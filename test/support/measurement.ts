import { EMPTY_TALLY } from '../../bin/prove/tally.ts';
import type { Measurement } from '../../bin/prove/verdict.ts';
import { picoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';

/** A measurement of a budget of 10,000 pico-dollars that is billed and spent completely, with the given changes. */
export function measurementWith(fields: Partial<Measurement> = {}, spent = 10_000n, held = 0n): Measurement {
  return {
    scenario: 'whole',
    title: 'whole answers',
    budget: picoUsd(10_000n),
    tally: { ...EMPTY_TALLY, sent: 400, admitted: 100, refused: { team_budget_exceeded: 300 } },
    billed: picoUsd(10_000n),
    billedBy: 'upstream',
    ledger: {
      spentPicoUsd: picoUsd(spent),
      reservedPicoUsd: picoUsd(held),
      assumedPicoUsd: ZERO_USD,
      overrunPicoUsd: ZERO_USD,
    },
    isExact: true,
    seconds: 1.23,
    ...fields,
  };
}
