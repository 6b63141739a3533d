import { addUsd, type PicoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { changeKeyLedger, consumeRates, hasFundsFor, type KeyLedger } from './key-ledger.ts';
import { isLeaseExpired } from './ledger.ts';
import { isInForce } from './pause.ts';
import type { LedgerState, Reservation, ReserveRefusal, ReserveTerms } from './reservation.ts';
import { sumReserved } from './reserved-money.ts';

/** The outcome of a reserve on a ledger. */
export type ReserveOutcome =
  | { readonly kind: 'reserved'; readonly state: LedgerState }
  | { readonly kind: 'refused'; readonly refused: ReserveRefusal }
  | { readonly kind: 'lease expired' }
  /** The team must lease this much more from the organisation. */
  | { readonly kind: 'lease short'; readonly shortfallPicoUsd: PicoUsd };

/** The wait until a refused caller may find a free place, in milliseconds: no reservation has a known end. */
const CONCURRENCY_RETRY_MS = 1_000;
const NO_FREE_PLACE = { reason: 'concurrency_exceeded', retryAfterMs: CONCURRENCY_RETRY_MS } as const;

/**
 * Reserves the maximum cost of a call. Idempotent: a reservation that is already open returns the same state. The caller
 * must first remove ended top-ups (expireTopUps) and open the share of a key that has limits of its own
 * (ensureKeyLedger).
 */
export function reserve(state: LedgerState, terms: ReserveTerms): ReserveOutcome {
  const { reservation } = terms;
  const open = state.open.get(reservation.id);
  if (open !== undefined) {
    // A retry has the same terms; a different call with the same id does not.
    return isSameReservation(open, reservation)
      ? { kind: 'reserved', state }
      : { kind: 'refused', refused: NO_FREE_PLACE };
  }
  const key = terms.key === undefined ? undefined : state.keys.get(terms.key.id);
  const refused = refuseByControls(state, terms) ?? refuseByBudget(state, key, terms);
  if (refused !== undefined) return { kind: 'refused', refused };
  const rates = consumeRates(state, terms.nowEpochMs, terms);
  if ('short' in rates)
    return { kind: 'refused', refused: { reason: `${rates.short}_exceeded`, retryAfterMs: rates.retryAfterMs } };
  const keyRates =
    key === undefined || terms.key === undefined ? undefined : consumeRates(key, terms.nowEpochMs, terms.key);
  if (keyRates !== undefined && 'short' in keyRates) {
    const { short, retryAfterMs } = keyRates;
    return { kind: 'refused', refused: { reason: `key_${short}_exceeded`, retryAfterMs } };
  }
  // Last, so that nothing is leased for a call that is refused anyway.
  if (isLeaseExpired(state, terms.nowEpochMs)) return { kind: 'lease expired' };
  const { maxCostPicoUsd } = reservation;
  if (state.leasedPicoUsd < maxCostPicoUsd)
    return { kind: 'lease short', shortfallPicoUsd: subtractUsd(maxCostPicoUsd, state.leasedPicoUsd) };
  const reserved: LedgerState = {
    ...state,
    ...rates,
    availablePicoUsd: subtractUsd(state.availablePicoUsd, maxCostPicoUsd),
    reservedPicoUsd: addUsd(state.reservedPicoUsd, maxCostPicoUsd),
    leasedPicoUsd: subtractUsd(state.leasedPicoUsd, maxCostPicoUsd),
    open: new Map(state.open).set(reservation.id, reservation),
  };
  const withShare = changeKeyLedger(reserved, terms.key, (share) => {
    const costPicoUsd = share.limitPicoUsd === undefined ? ZERO_USD : maxCostPicoUsd;
    return { ...share, ...keyRates, availablePicoUsd: subtractUsd(share.availablePicoUsd, costPicoUsd) };
  });
  return { kind: 'reserved', state: withShare };
}

/** Refuses a revoked key, and any call of a paused team. */
function refuseByControls(
  { revoked, pauses }: LedgerState,
  { reservation, nowEpochMs }: ReserveTerms,
): ReserveRefusal | undefined {
  if (revoked.has(reservation.keyId)) return { reason: 'key_revoked' };
  for (const [pause, reason] of [
    [pauses.organization, 'organization_paused'],
    [pauses.team, 'team_paused'],
  ] as const) {
    if (isInForce(pause, nowEpochMs)) return { reason, why: pause.reason, untilEpochMs: pause.untilEpochMs };
  }
  return undefined;
}

/** Refuses a call that the team's budget, the key's budget or the number of concurrent calls has no room for. */
function refuseByBudget(
  state: LedgerState,
  key: KeyLedger | undefined,
  terms: ReserveTerms,
): ReserveRefusal | undefined {
  const { maxCostPicoUsd, keyId } = terms.reservation;
  if (state.availablePicoUsd < maxCostPicoUsd) return { reason: 'team_budget_exceeded', ...sumReserved(state, terms) };
  if (key?.limitPicoUsd !== undefined && !hasFundsFor(key, maxCostPicoUsd)) {
    const { limitPicoUsd, availablePicoUsd } = key;
    return { reason: 'key_budget_exceeded', limitPicoUsd, availablePicoUsd, ...sumReserved(state, terms, keyId) };
  }
  return state.open.size >= terms.maxConcurrent
    ? { ...NO_FREE_PLACE, inFlight: describeInFlight(state, terms) }
    : undefined;
}

/** The calls in flight. Every call has as long to live as this one, so its end reveals its start. */
function describeInFlight({ open }: LedgerState, { reservation, nowEpochMs }: ReserveTerms) {
  const firstEndEpochMs = Math.min(...Array.from(open.values(), ({ expiresAtEpochMs }) => expiresAtEpochMs));
  const ageMs = Math.max(0, reservation.expiresAtEpochMs - firstEndEpochMs);
  return { calls: open.size, oldestSinceEpochMs: nowEpochMs - (open.size === 0 ? 0 : ageMs) };
}

function isSameReservation(a: Reservation, b: Reservation): boolean {
  return (
    a.id === b.id &&
    a.maxCostPicoUsd === b.maxCostPicoUsd &&
    a.tokens === b.tokens &&
    a.model === b.model &&
    a.keyId === b.keyId &&
    a.expiresAtEpochMs === b.expiresAtEpochMs
  );
}
