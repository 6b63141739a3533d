import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';

/** What a holder's spending stands at: a team's by its ledger, the organisation's by all ledgers together. */
export type BudgetSnapshot = {
  readonly holder: string;
  readonly period: Period;
  readonly spentPicoUsd: PicoUsd;
  /** As it is in force, with its top-ups. */
  readonly limitPicoUsd: PicoUsd;
};

/** Ten-thousandths of a percent in a whole: as finely as shares are told. */
const PERCENT_SCALE = 1_000_000n;

/** What is spent of a limit, in percent, rounded down at four decimals; of a limit of nothing, all once anything is. */
export function computeUsedPercent({
  spentPicoUsd,
  limitPicoUsd,
}: {
  readonly spentPicoUsd: PicoUsd;
  readonly limitPicoUsd: PicoUsd;
}): number {
  if (limitPicoUsd <= 0n) return spentPicoUsd > 0n ? 100 : 0;
  return Number((spentPicoUsd * PERCENT_SCALE) / limitPicoUsd) / 10_000;
}
