import type { KeyTerms } from './key-ledger.ts';
import type { LedgerState, ReserveRefusal, ReserveTerms } from './reservation.ts';
import { type ReserveOutcome, reserve } from './reserve.ts';
import { expireTopUps } from './top-ups.ts';

/** The reason why a conditional write of a reserve failed. */
export type FailedReserve =
  | { readonly kind: 'top-ups ended' }
  | { readonly kind: 'key not open'; readonly key: KeyTerms }
  /** An earlier attempt of the same reserve succeeded, and its reply was lost. */
  | { readonly kind: 'already reserved' }
  /** The ledger has room: the write guessed the form of a bucket wrong, or the ledger has changed since. */
  | { readonly kind: 'stale guess' }
  | Exclude<ReserveOutcome, { kind: 'reserved' }>;

/** Finds the reason from the item that failed the condition. */
export function explainFailedReserve(state: LedgerState, terms: ReserveTerms): FailedReserve {
  if (expireTopUps(state, terms.nowEpochMs) !== state) return { kind: 'top-ups ended' };
  if (terms.key !== undefined && !state.keys.has(terms.key.id)) return { kind: 'key not open', key: terms.key };
  const outcome = reserve(state, terms);
  if (outcome.kind !== 'reserved') return outcome;
  return { kind: outcome.state === state ? 'already reserved' : 'stale guess' };
}

/** True for a refusal that the expiry of overdue reservations can lift. */
export function isLiftedByExpiry({ reason }: ReserveRefusal): boolean {
  return reason === 'team_budget_exceeded' || reason === 'concurrency_exceeded';
}
