import { NO_CALLS } from '../../bin/prove/load.ts';
import type { Measured } from '../../bin/prove/verdict.ts';
import { picoUsd, ZERO_USD } from '../../lambda/kernel/money.ts';

/** A measurement of a budget of 10,000 pico-dollars, all of it billed and spent, with what a test cares about. */
export function measuredWith(fields: Partial<Measured> = {}, spent = 10_000n, held = 0n): Measured {
  return {
    scenario: 'whole',
    title: 'whole answers',
    budget: picoUsd(10_000n),
    tally: { ...NO_CALLS, fired: 400, letThrough: 100, refused: { team_budget_exceeded: 300 } },
    billed: picoUsd(10_000n),
    billedBy: 'upstream',
    ledger: { spent: picoUsd(spent), held: picoUsd(held), assumed: ZERO_USD, overrun: ZERO_USD },
    isExact: true,
    seconds: 1.23,
    ...fields,
  };
}
