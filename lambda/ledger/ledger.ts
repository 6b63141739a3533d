import { addUsd, type PicoUsd, picoUsd, subtractUsd, ZERO_USD } from '../kernel/money.ts';
import { consumeRates, hasFundsFor, type KeyLedger, type KeyTerms, openKeyLedger } from './key-ledger.ts';
import { isInForce, NOT_PAUSED, type Pauses } from './pause.ts';
import type { LedgerState, Reservation, ReserveRefusal, ReserveTerms, Settlement } from './reservation.ts';

/**
 * How long a call waits for money that other calls hold, in milliseconds. Only a team within one call of its budget, or
 * an organisation of its cap, ever waits; refusing it at once would leave money unusable that is about to come free.
 */
export const MAX_FUNDS_WAIT_MS = 30_000;

/** How long a refused caller waits for a place when none has a known end, in milliseconds. */
const CONCURRENCY_RETRY_MS = 1_000;

/** A fresh ledger for a period. */
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

/**
 * Reserves, or says why not, or how much the team lacks of what it has drawn from the organisation; a reservation that is
 * already open has succeeded before. Top-ups whose time is over must have been ended: see expireTopUps. A key with limits of
 * its own must have a share: see ensureKeyLedger.
 */
export function reserve(
  state: LedgerState,
  terms: ReserveTerms,
): { state: LedgerState } | { refused: ReserveRefusal } | { shortfallPicoUsd: PicoUsd } | { isLeaseExpired: true } {
  const { reservation } = terms;
  const held = state.open.get(reservation.id);
  if (held !== undefined) {
    // The same one told twice, and never another call that bears its id.
    return isSameReservation(held, reservation)
      ? { state }
      : { refused: { reason: 'concurrency_exceeded', retryAfterMs: CONCURRENCY_RETRY_MS } };
  }
  if (state.revoked.has(reservation.keyId)) return { refused: { reason: 'key_revoked' } };
  for (const [pause, reason] of [
    [state.pauses.organization, 'organization_paused'],
    [state.pauses.team, 'team_paused'],
  ] as const) {
    if (isInForce(pause, terms.nowEpochMs))
      return { refused: { reason, why: pause.reason, untilEpochMs: pause.untilEpochMs } };
  }
  const key = terms.key === undefined ? undefined : state.keys.get(terms.key.id);
  if (state.availablePicoUsd < reservation.maxCostPicoUsd) {
    return { refused: { reason: 'team_budget_exceeded', ...sumReserved(state, terms) } };
  }
  if (key?.limitPicoUsd !== undefined && !hasFundsFor(key, reservation.maxCostPicoUsd)) {
    const held = sumReserved(state, terms, reservation.keyId);
    return {
      refused: {
        reason: 'key_budget_exceeded',
        limitPicoUsd: key.limitPicoUsd,
        availablePicoUsd: key.availablePicoUsd,
        ...held,
      },
    };
  }
  if (state.open.size >= terms.maxConcurrent) {
    return { refused: { reason: 'concurrency_exceeded', retryAfterMs: CONCURRENCY_RETRY_MS } };
  }
  const rates = consumeRates(state, terms.nowEpochMs, terms);
  if ('short' in rates) return { refused: { reason: `${rates.short}_exceeded`, retryAfterMs: rates.retryAfterMs } };
  const keyRates = key === undefined ? undefined : consumeRates(key, terms.nowEpochMs, terms.key ?? NO_RATES);
  if (keyRates !== undefined && 'short' in keyRates)
    return { refused: { reason: `key_${keyRates.short}_exceeded`, retryAfterMs: keyRates.retryAfterMs } };
  // Last: nothing is drawn for a call that is refused anyway.
  if (isLeaseExpired(state, terms.nowEpochMs)) return { isLeaseExpired: true };
  if (state.leasedPicoUsd < reservation.maxCostPicoUsd)
    return { shortfallPicoUsd: subtractUsd(reservation.maxCostPicoUsd, state.leasedPicoUsd) };
  const admitted: LedgerState = {
    ...state,
    ...rates,
    availablePicoUsd: subtractUsd(state.availablePicoUsd, reservation.maxCostPicoUsd),
    reservedPicoUsd: addUsd(state.reservedPicoUsd, reservation.maxCostPicoUsd),
    leasedPicoUsd: subtractUsd(state.leasedPicoUsd, reservation.maxCostPicoUsd),
    open: new Map(state.open).set(reservation.id, reservation),
  };
  return {
    state: changeKey(admitted, terms.key, (share) => ({
      ...share,
      ...keyRates,
      availablePicoUsd: subtractUsd(
        share.availablePicoUsd,
        share.limitPicoUsd === undefined ? ZERO_USD : reservation.maxCostPicoUsd,
      ),
    })),
  };
}

/** Whether what a team has drawn must go back before it may hold more. */
function isLeaseExpired({ leaseEndsAtEpochMs: endsAt }: LedgerState, nowEpochMs: number): boolean {
  return endsAt !== undefined && endsAt <= nowEpochMs;
}

const NO_RATES = { rpmCostUs: 0, tpmCostUs: 0 };

/** Gives a key with limits of its own its share of the period, unless it has one. */
export function ensureKeyLedger(state: LedgerState, terms: KeyTerms | undefined): LedgerState {
  if (terms === undefined || state.keys.has(terms.id)) return state;
  return { ...state, keys: new Map(state.keys).set(terms.id, openKeyLedger(terms.limitPicoUsd)) };
}

function changeKey(
  state: LedgerState,
  terms: KeyTerms | undefined,
  change: (share: KeyLedger) => KeyLedger,
): LedgerState {
  const share = terms === undefined ? undefined : state.keys.get(terms.id);
  if (terms === undefined || share === undefined) return state;
  return { ...state, keys: new Map(state.keys).set(terms.id, change(share)) };
}

/** What calls in flight hold, of all keys or of one, and the part of it that a call with these terms may wait for. */
export function sumReserved(
  { open }: Pick<LedgerState, 'open'>,
  terms: ReserveTerms,
  keyId?: string,
): { readonly reservedPicoUsd: PicoUsd; readonly reclaimablePicoUsd: PicoUsd } {
  const held = [...open.values()].filter((one) => keyId === undefined || one.keyId === keyId);
  const sum = (some: readonly Reservation[]) => addUsd(ZERO_USD, ...some.map(({ maxCostPicoUsd }) => maxCostPicoUsd));
  return { reservedPicoUsd: sum(held), reclaimablePicoUsd: sum(held.filter((one) => isReclaimable(one, terms))) };
}

/**
 * Whether a call in flight is young enough to be waited for. Calls live alike, so one that has used up half a minute more
 * of its life than the call that asks is a very long answer, or its process is dead.
 */
function isReclaimable(held: Reservation, { reservation, nowEpochMs }: ReserveTerms): boolean {
  const lifeMs = reservation.expiresAtEpochMs - nowEpochMs;
  return held.expiresAtEpochMs - nowEpochMs > lifeMs - MAX_FUNDS_WAIT_MS;
}

/** Whether two reservations are one and the same. */
export function isSameReservation(a: Reservation, b: Reservation): boolean {
  return (
    a.id === b.id &&
    a.maxCostPicoUsd === b.maxCostPicoUsd &&
    a.tokens === b.tokens &&
    a.model === b.model &&
    a.keyId === b.keyId &&
    a.expiresAtEpochMs === b.expiresAtEpochMs
  );
}

/** Settles or voids an open reservation, corrects one that has lapsed, and leaves alone one that is gone. */
export function settle(state: LedgerState, terms: ReserveTerms, settlement: Settlement): LedgerState {
  const { id } = terms.reservation;
  const open = state.open.get(id);
  const lapsed = state.lapsed.get(id);
  const held = open ?? lapsed;
  if (held === undefined) return state;
  const { costPicoUsd } = settlement;
  const assumedBefore = open === undefined ? held.maxCostPicoUsd : ZERO_USD;
  const settled: LedgerState = {
    ...state,
    availablePicoUsd: addUsd(state.availablePicoUsd, subtractUsd(held.maxCostPicoUsd, costPicoUsd)),
    reservedPicoUsd:
      open === undefined ? state.reservedPicoUsd : subtractUsd(state.reservedPicoUsd, held.maxCostPicoUsd),
    leasedPicoUsd: addUsd(state.leasedPicoUsd, subtractUsd(held.maxCostPicoUsd, costPicoUsd)),
    spentPicoUsd: addUsd(state.spentPicoUsd, subtractUsd(costPicoUsd, assumedBefore)),
    assumedPicoUsd: addUsd(
      state.assumedPicoUsd,
      subtractUsd(settlement.assumed ? costPicoUsd : ZERO_USD, assumedBefore),
    ),
    overrunPicoUsd: addUsd(state.overrunPicoUsd, overrunAmount(held, costPicoUsd)),
    tpmTatUs: open === undefined ? state.tpmTatUs : state.tpmTatUs - settlement.tpmRefundUs,
    open: without(state.open, id),
    lapsed: open === undefined ? without(state.lapsed, id) : state.lapsed,
  };
  return changeKey(settled, terms.key, (share) => ({
    ...share,
    availablePicoUsd: addUsd(
      share.availablePicoUsd,
      share.limitPicoUsd === undefined ? ZERO_USD : subtractUsd(held.maxCostPicoUsd, costPicoUsd),
    ),
    tpmTatUs: open === undefined ? share.tpmTatUs : share.tpmTatUs - (settlement.keyTpmRefundUs ?? 0),
  }));
}

/** How far a cost is above the bound it was reserved at. */
export function overrunAmount(held: Pick<Reservation, 'maxCostPicoUsd'>, costPicoUsd: PicoUsd): PicoUsd {
  return picoUsd(costPicoUsd > held.maxCostPicoUsd ? costPicoUsd - held.maxCostPicoUsd : 0n);
}

/** Takes a reservation past its time for spent at its bound; leaves any other alone. */
export function expire(state: LedgerState, id: string, nowEpochMs: number): LedgerState {
  const held = state.open.get(id);
  if (held === undefined || held.expiresAtEpochMs > nowEpochMs) return state;
  return {
    ...state,
    reservedPicoUsd: subtractUsd(state.reservedPicoUsd, held.maxCostPicoUsd),
    spentPicoUsd: addUsd(state.spentPicoUsd, held.maxCostPicoUsd),
    assumedPicoUsd: addUsd(state.assumedPicoUsd, held.maxCostPicoUsd),
    open: without(state.open, id),
    lapsed: new Map(state.lapsed).set(id, held),
  };
}

/** How long a late settlement may still correct an expiry, in milliseconds: four times the longest function. */
const LAPSED_RETENTION_MS = 3_600_000;

/** The lapsed reservations that no settlement can come for any more. */
export function purgeableReservations({ lapsed }: LedgerState, nowEpochMs: number): readonly Reservation[] {
  return [...lapsed.values()].filter((held) => held.expiresAtEpochMs + LAPSED_RETENTION_MS <= nowEpochMs);
}

/** Adds what was drawn from the organisation; a negative amount is called back. */
export function lease(state: LedgerState, amount: PicoUsd): LedgerState {
  return { ...state, leasedPicoUsd: addUsd(state.leasedPicoUsd, amount) };
}

/** Ends what is leased at a time, unless it ends before. */
export function endLease(state: LedgerState, atEpochMs: number): LedgerState {
  const { leaseEndsAtEpochMs: before } = state;
  return before !== undefined && before <= atEpochMs ? state : { ...state, leaseEndsAtEpochMs: atEpochMs };
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
