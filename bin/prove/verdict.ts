import { addUsd, type PicoUsd, subtractUsd, toUsdString, ZERO_USD } from '../../lambda/kernel/money.ts';
import type { LedgerTotals } from './figures.ts';
import type { Tally } from './tally.ts';

/** The result of an attack on one budget: clients' tally, upstream's bill and ledger. */
export type Measurement = {
  readonly scenario: string;
  readonly title: string;
  readonly budget: PicoUsd;
  readonly tally: Tally;
  /** The upstream's bill. */
  readonly billed: PicoUsd;
  /** The source of `billed`: the upstream, the costs in its responses, or the ledger when responses were not read. */
  readonly billedBy: 'upstream' | 'answers' | 'ledger';
  readonly ledger: LedgerTotals;
  /** The gateway learned every outcome, so ledger and bill must agree to the last digit. */
  readonly isExact: boolean;
  /** Money may stay reserved at the end, because the process that had to settle was killed. @default false */
  readonly mayHold?: boolean;
  readonly seconds: number;
  /** A remark for the report. */
  readonly note?: string;
  /** Other violated requirements, one sentence each. */
  readonly faults?: readonly string[];
};

/** The worst problem of a measurement, with all reasons. */
export type Verdict = {
  readonly verdict: 'holds' | 'overspent' | 'miscounted' | 'faulty' | 'starved';
  readonly overspend: PicoUsd;
  /** The upstream's bill as a share of the budget, in percent. */
  readonly usablePercent: number;
  readonly reasons: readonly string[];
};

/** The minimum share of a budget that its team must be able to use, in percent. */
export const MIN_USABLE_PERCENT = 95n;

/** Judges a measurement in whole numbers, so that no verdict depends on rounding. */
export function judge({ budget, billed, ledger, isExact, mayHold = false, faults = [] }: Measurement): Verdict {
  const over = (amount: PicoUsd) => (amount > budget ? subtractUsd(amount, budget) : ZERO_USD);
  const counted = addUsd(ledger.spentPicoUsd, ledger.reservedPicoUsd);
  const overspent = [
    ...(billed > budget ? [`the upstream billed $${toUsdString(over(billed))} more than the budget`] : []),
    ...(ledger.spentPicoUsd > budget
      ? [`the ledger has spent $${toUsdString(over(ledger.spentPicoUsd))} more than the budget`]
      : []),
    ...(ledger.spentPicoUsd <= budget && counted > budget
      ? [`the ledger has spent and holds $${toUsdString(over(counted))} more than the budget`]
      : []),
    ...(ledger.overrunPicoUsd > 0n ? [`calls cost $${toUsdString(ledger.overrunPicoUsd)} more than their bounds`] : []),
  ];
  const miscounted = [
    ...(counted < billed
      ? [`the ledger accounts for less than the bill of $${toUsdString(billed)}: it is short of the bill`]
      : []),
    ...(isExact && ledger.spentPicoUsd !== billed
      ? [`the ledger has spent $${toUsdString(ledger.spentPicoUsd)} and the upstream billed $${toUsdString(billed)}`]
      : []),
    ...(!mayHold && ledger.reservedPicoUsd !== 0n
      ? [`$${toUsdString(ledger.reservedPicoUsd)} is still held, and nothing is in flight`]
      : []),
  ];
  const isStarved = billed * 100n < budget * MIN_USABLE_PERCENT;
  const starved = isStarved ? [`less than ${MIN_USABLE_PERCENT} % of the budget could be used`] : [];
  const verdict =
    (overspent.length > 0 && 'overspent') ||
    (miscounted.length > 0 && 'miscounted') ||
    (faults.length > 0 && 'faulty') ||
    (isStarved ? 'starved' : 'holds');
  return {
    verdict,
    overspend: over(billed),
    usablePercent: percentOfBudget(billed, budget),
    reasons: [...overspent, ...miscounted, ...faults, ...starved],
  };
}

/** An amount as a share of a budget in percent, truncated to two decimals. */
export function percentOfBudget(amount: PicoUsd, budget: PicoUsd): number {
  return budget === 0n ? 0 : Number((amount * 10_000n) / budget) / 100;
}
