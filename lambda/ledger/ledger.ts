import { addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import { NOT_PAUSED, type Pauses } from './pause.ts';
import type { LedgerState } from './reservation.ts';

/** Returns a fresh ledger for a period. */
export function openLedger(limitPicoUsd: PicoUsd, pauses: Pauses = NOT_PAUSED): LedgerState {
  return {
    limitPicoUsd,
    availablePicoUsd: limitPicoUsd,
    reservedPicoUsd: ZERO_USD,
    spentPicoUsd: ZERO_USD,
    leasedPicoUsd: ZERO_USD,
    assumedPicoUsd: ZERO_USD,
    overrunPicoUsd: ZERO_USD,
    rpmTatUs: 0,
    tpmTatUs: 0,
    open: new Map(),
    lapsed: new Map(),
    topUps: new Map(),
    pauses,
    keys: new Map(),
    leaseEndsAtEpochMs: undefined,
    revoked: new Set(),
  };
}

/** Adds money leased from the organisation; a negative amount is recalled. */
export function lease(state: LedgerState, amount: PicoUsd): LedgerState {
  return { ...state, leasedPicoUsd: addUsd(state.leasedPicoUsd, amount) };
}

/** Ends the lease at a time, unless it ends earlier. */
export function endLease(state: LedgerState, atEpochMs: number): LedgerState {
  const { leaseEndsAtEpochMs: before } = state;
  return before !== undefined && before <= atEpochMs ? state : { ...state, leaseEndsAtEpochMs: atEpochMs };
}

/** True when the team must return its lease before it can reserve again. */
export function isLeaseExpired({ leaseEndsAtEpochMs: endsAt }: LedgerState, nowEpochMs: number): boolean {
  return endsAt !== undefined && endsAt <= nowEpochMs;
}
