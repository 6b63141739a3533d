import { addUsd, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { changeKeyLedger } from './key-ledger.ts';
import type { LedgerState, Reservation, ReserveTerms, Settlement } from './reservation.ts';

/** The time after its expiry for which a late settlement may correct it, in milliseconds: four times the longest function. */
const LAPSED_RETENTION_MS = 3_600_000;

/**
 * Settles or voids an open reservation, or corrects one that has lapsed. Idempotent: a reservation that is in neither map
 * has been settled before, and the state stays the same.
 */
export function settle(state: LedgerState, terms: ReserveTerms, settlement: Settlement): LedgerState {
  const { id } = terms.reservation;
  const open = state.open.get(id);
  const reserved = open ?? state.lapsed.get(id);
  if (reserved === undefined) return state;
  const isOpen = open !== undefined;
  const { costPicoUsd } = settlement;
  const refundPicoUsd = subtractUsd(reserved.maxCostPicoUsd, costPicoUsd);
  const assumedBefore = isOpen ? ZERO_USD : reserved.maxCostPicoUsd;
  const assumedNow = settlement.assumed ? costPicoUsd : ZERO_USD;
  const settled: LedgerState = {
    ...state,
    availablePicoUsd: addUsd(state.availablePicoUsd, refundPicoUsd),
    reservedPicoUsd: isOpen ? subtractUsd(state.reservedPicoUsd, reserved.maxCostPicoUsd) : state.reservedPicoUsd,
    leasedPicoUsd: addUsd(state.leasedPicoUsd, refundPicoUsd),
    spentPicoUsd: addUsd(state.spentPicoUsd, subtractUsd(costPicoUsd, assumedBefore)),
    assumedPicoUsd: addUsd(state.assumedPicoUsd, subtractUsd(assumedNow, assumedBefore)),
    overrunPicoUsd: addUsd(state.overrunPicoUsd, overrunAmount(reserved, costPicoUsd)),
    tpmTatUs: isOpen ? state.tpmTatUs - settlement.tpmRefundUs : state.tpmTatUs,
    open: without(state.open, id),
    lapsed: isOpen ? state.lapsed : without(state.lapsed, id),
  };
  return changeKeyLedger(settled, terms.key, (share) => ({
    ...share,
    availablePicoUsd: addUsd(share.availablePicoUsd, share.limitPicoUsd === undefined ? ZERO_USD : refundPicoUsd),
    tpmTatUs: isOpen ? share.tpmTatUs - (settlement.keyTpmRefundUs ?? 0) : share.tpmTatUs,
  }));
}

/** Returns the part of a cost above the reserved maximum. */
export function overrunAmount(reserved: Pick<Reservation, 'maxCostPicoUsd'>, costPicoUsd: PicoUsd): PicoUsd {
  return picoUsd(costPicoUsd > reserved.maxCostPicoUsd ? costPicoUsd - reserved.maxCostPicoUsd : 0n);
}

/** Expires an overdue reservation and charges its maximum cost; leaves any other alone. */
export function expire(state: LedgerState, id: string, nowEpochMs: number): LedgerState {
  const overdue = state.open.get(id);
  if (overdue === undefined || overdue.expiresAtEpochMs > nowEpochMs) return state;
  return {
    ...state,
    reservedPicoUsd: subtractUsd(state.reservedPicoUsd, overdue.maxCostPicoUsd),
    spentPicoUsd: addUsd(state.spentPicoUsd, overdue.maxCostPicoUsd),
    assumedPicoUsd: addUsd(state.assumedPicoUsd, overdue.maxCostPicoUsd),
    open: without(state.open, id),
    lapsed: new Map(state.lapsed).set(id, overdue),
  };
}

/** Lists the lapsed reservations that are too old for a late settlement. */
export function purgeableReservations({ lapsed }: LedgerState, nowEpochMs: number): readonly Reservation[] {
  return [...lapsed.values()].filter(({ expiresAtEpochMs }) => expiresAtEpochMs + LAPSED_RETENTION_MS <= nowEpochMs);
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
