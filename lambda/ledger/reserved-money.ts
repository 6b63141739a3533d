import { addUsd, type PicoUsd, ZERO_USD } from '../kernel/money.ts';
import type { LedgerState, Reservation, ReserveTerms } from './reservation.ts';

/**
 * The longest time for which a call waits for money that other calls reserve, in milliseconds. Only calls near the team's
 * budget or the organisation's cap wait. If they were refused at once, money about to be released could not be used.
 */
export const MAX_FUNDS_WAIT_MS = 30_000;

/** Sums the reservations in flight, of all keys or of one, and the part that a call with these terms may wait for. */
export function sumReserved(
  { open }: Pick<LedgerState, 'open'>,
  terms: ReserveTerms,
  keyId?: string,
): { readonly reservedPicoUsd: PicoUsd; readonly reclaimablePicoUsd: PicoUsd } {
  const reserved = [...open.values()].filter((reservation) => keyId === undefined || reservation.keyId === keyId);
  const reclaimable = reserved.filter((reservation) => isReclaimable(reservation, terms));
  return { reservedPicoUsd: sumCosts(reserved), reclaimablePicoUsd: sumCosts(reclaimable) };
}

/**
 * True when a call in flight is young enough to wait for. All calls live equally long. One that has used up half a minute
 * more of its life than the asking call is either a very long answer or dead.
 */
function isReclaimable(reserved: Reservation, { reservation, nowEpochMs }: ReserveTerms): boolean {
  const lifeMs = reservation.expiresAtEpochMs - nowEpochMs;
  return reserved.expiresAtEpochMs - nowEpochMs > lifeMs - MAX_FUNDS_WAIT_MS;
}

function sumCosts(reservations: readonly Reservation[]): PicoUsd {
  return addUsd(ZERO_USD, ...reservations.map(({ maxCostPicoUsd }) => maxCostPicoUsd));
}
