import { addUsd, type PicoUsd } from '../kernel/money.ts';
import type { LedgerView, ReserveRefusal } from '../ledger/reservation.ts';

/** A refusal because a budget is exhausted: the team's, the key's or the organisation's. */
export type BudgetRefusal = Extract<ReserveRefusal, { reclaimablePicoUsd: PicoUsd }>;

/** The money of an exhausted budget. */
export type BudgetBalance = {
  readonly availablePicoUsd: PicoUsd;
  /** Reserved by calls in flight. */
  readonly reservedPicoUsd: PicoUsd;
  /** The part of `reservedPicoUsd` that is worth waiting for. */
  readonly reclaimablePicoUsd: PicoUsd;
};

/** The balance that limits a refused call. A key or the organisation may have less available than the team. */
export function balanceAtRefusal(
  refused: BudgetRefusal,
  { availablePicoUsd }: Pick<LedgerView, 'availablePicoUsd'>,
): BudgetBalance {
  const { reservedPicoUsd, reclaimablePicoUsd } = refused;
  const own = refused.reason === 'team_budget_exceeded' ? availablePicoUsd : refused.availablePicoUsd;
  return {
    availablePicoUsd: own < availablePicoUsd ? own : availablePicoUsd,
    reservedPicoUsd,
    reclaimablePicoUsd,
  };
}

/** True if the balance could pay a cost once the reclaimable part is released. */
export function couldBecomeAffordable(
  { availablePicoUsd, reclaimablePicoUsd }: BudgetBalance,
  costPicoUsd: PicoUsd,
): boolean {
  return addUsd(availablePicoUsd, reclaimablePicoUsd) >= costPicoUsd;
}
