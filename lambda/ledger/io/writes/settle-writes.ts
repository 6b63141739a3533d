import type { ReserveTerms, Settlement } from '../../reservation.ts';
import { overrunAmount } from '../../settle.ts';
import { lastEndsValue } from '../reservation-end-item.ts';
import { keyRefundPart } from './key-ledger-writes.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/** The write that settles or voids an open reservation. */
export function settleWrite(terms: ReserveTerms, settlement: Settlement, nowEpochMs: number): LedgerWrite {
  const { reservation } = terms;
  const key = keyRefundPart(terms, settlement.keyTpmRefundUs ?? 0);
  return {
    UpdateExpression: `SET ${[
      '#available = #available + :refund',
      '#leased = #leased + :refund',
      '#reserved = #reserved - :held',
      '#spent = #spent + :cost',
      '#assumed = #assumed + :assumed',
      '#overrun = #overrun + :overrun',
      '#tpmTat = #tpmTat - :tpmRefund',
      // No-op SETs, so that UPDATED_NEW returns every total.
      '#rpmTat = #rpmTat',
      '#limit = #limit',
      '#last = :last',
      ...key.set,
    ].join(', ')} REMOVE #open.#id`,
    ConditionExpression: 'attribute_exists(#open.#id)',
    ExpressionAttributeNames: {
      ...names('available', 'leased', 'reserved', 'spent', 'assumed', 'overrun', 'tpmTat', 'rpmTat', 'limit', 'last'),
      ...names('open', ...key.names),
      ...key.placeholders,
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':refund': number(reservation.maxCostPicoUsd - settlement.costPicoUsd),
      ':held': number(reservation.maxCostPicoUsd),
      ':cost': number(settlement.costPicoUsd),
      ':assumed': number(settlement.assumed ? settlement.costPicoUsd : 0n),
      ':overrun': number(overrunAmount(reservation, settlement.costPicoUsd)),
      ':tpmRefund': number(settlement.tpmRefundUs),
      ':last': lastEndsValue(settlement.kind, reservation, settlement, nowEpochMs),
      ...key.values,
    },
  };
}

/** The write that replaces the cost assumed when a reservation lapsed by the true cost. */
export function correctWrite(terms: ReserveTerms, settlement: Settlement): LedgerWrite {
  const { reservation } = terms;
  // No refund of tokens: the buckets have refilled since.
  const key = keyRefundPart(terms, 0);
  return {
    UpdateExpression: `SET ${[
      '#available = #available + :refund',
      '#leased = #leased + :refund',
      '#spent = #spent - :refund',
      '#assumed = #assumed + :assumed',
      '#overrun = #overrun + :overrun',
      ...['reserved', 'rpmTat', 'tpmTat', 'limit'].map((name) => `#${name} = #${name}`),
      '#last = :last',
      ...key.set,
    ].join(', ')} REMOVE #lapsed.#id`,
    ConditionExpression: 'attribute_exists(#lapsed.#id)',
    ExpressionAttributeNames: {
      ...names('available', 'leased', 'spent', 'assumed', 'overrun', 'reserved', 'rpmTat', 'tpmTat', 'limit', 'last'),
      ...names('lapsed', ...key.names),
      ...key.placeholders,
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':refund': number(reservation.maxCostPicoUsd - settlement.costPicoUsd),
      ':assumed': number((settlement.assumed ? settlement.costPicoUsd : 0n) - reservation.maxCostPicoUsd),
      ':overrun': number(overrunAmount(reservation, settlement.costPicoUsd)),
      // The time of the expiry, so that both count on the same day.
      ':last': lastEndsValue('correct', reservation, settlement, reservation.expiresAtEpochMs),
      ...key.values,
    },
  };
}
