import type { PicoUsd } from '../kernel/money.ts';
import type { Period } from '../kernel/period.ts';

/** The spending and the limit of a team, or of the organisation, at one moment. */
export type BudgetSnapshot = {
  /** A team, or the organisation. */
  readonly holder: string;
  readonly period: Period;
  readonly spentPicoUsd: PicoUsd;
  /** The limit in force, top-ups included. */
  readonly limitPicoUsd: PicoUsd;
};

/** Ten-thousandths of a percent in a whole, the resolution of shares. */
const PERCENT_SCALE = 1_000_000n;

/** Returns the spent share of a limit, in percent with four decimals, rounded down; 100 for any spending of a $0 limit. */
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
