import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';

/** What a holder's spending stands at: a team's by its ledger, the organisation's by all ledgers together. */
export type Sight = {
  readonly holder: string;
  readonly period: Period;
  readonly spent: PicoUsd;
  /** As it is in force, with its top-ups. */
  readonly limit: PicoUsd;
};

/** Ten-thousandths of a percent in a whole: as finely as shares are told. */
const SHARES = 1_000_000n;

/** What is spent of a limit, in percent, rounded down at four decimals; of a limit of nothing, all once anything is. */
export function usedPercentOf({ spent, limit }: { readonly spent: PicoUsd; readonly limit: PicoUsd }): number {
  if (limit <= 0n) return spent > 0n ? 100 : 0;
  return Number((spent * SHARES) / limit) / 10_000;
}
