import type { ReserveTerms } from '../../reservation.ts';
import { reservationValue } from '../ledger-item.ts';
import { keyReservePart } from './key-ledger-writes.ts';
import { bucketPart, type ReserveBucketStates } from './rate-bucket.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/** Totals that take a no-op SET, because UPDATED_NEW returns only the attributes that a write sets. */
const UNCHANGED_TOTALS = ['limit', 'spent', 'assumed', 'overrun'];

/** The write that admits a call: money, concurrency, rates, pauses and revocations in one condition. */
export function reserveWrite(terms: ReserveTerms, bucketStates: ReserveBucketStates): LedgerWrite {
  const { reservation, nowEpochMs } = terms;
  const requests = bucketPart('rpmTat', terms.rpmCostUs, nowEpochMs, bucketStates.requests);
  const tokens = bucketPart('tpmTat', terms.tpmCostUs, nowEpochMs, bucketStates.tokens);
  const key = keyReservePart(terms.key, nowEpochMs, bucketStates.key);
  return {
    UpdateExpression: `SET ${[
      '#available = #available - :cost',
      '#reserved = #reserved + :cost',
      '#leased = #leased - :cost',
      '#open.#id = :reservation',
      ...UNCHANGED_TOTALS.map((name) => `#${name} = #${name}`),
      ...requests.set,
      ...tokens.set,
      ...key.set,
    ].join(', ')}`,
    ConditionExpression: [
      '#available >= :cost',
      '#leased >= :cost',
      'size(#open) < :maxConcurrent',
      'attribute_not_exists(#open.#id)',
      // The condition itself compares end times, so no job has to remove what has ended.
      '(attribute_not_exists(#paused) OR #paused.#untilMs <= :nowMs)',
      '(attribute_not_exists(#pausedAll) OR #pausedAll.#untilMs <= :nowMs)',
      '(attribute_not_exists(#topUpsEndMs) OR #topUpsEndMs > :nowMs)',
      '(attribute_not_exists(#leaseEndMs) OR #leaseEndMs > :nowMs)',
      'attribute_not_exists(#revoked.#keyId)',
      ...requests.condition,
      ...tokens.condition,
      ...key.condition,
    ].join(' AND '),
    ExpressionAttributeNames: {
      ...names('available', 'reserved', 'leased', 'open', ...UNCHANGED_TOTALS, ...requests.names, ...tokens.names),
      ...names('paused', 'pausedAll', 'untilMs', 'topUpsEndMs', 'leaseEndMs', 'revoked', ...key.names),
      ...key.placeholders,
      '#id': reservation.id,
      '#keyId': reservation.keyId,
    },
    ExpressionAttributeValues: {
      ':cost': number(reservation.maxCostPicoUsd),
      ':reservation': reservationValue(reservation),
      ':maxConcurrent': number(terms.maxConcurrent),
      ':nowMs': number(nowEpochMs),
      ...requests.values,
      ...tokens.values,
      ...key.values,
    },
  };
}
