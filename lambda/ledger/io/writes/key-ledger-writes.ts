import { type KeyTerms, openKeyLedger } from '../../key-ledger.ts';
import type { ReserveTerms } from '../../reservation.ts';
import { keyValue } from '../ledger-item.ts';
import { bucketPart, type RateBucketStates } from './rate-bucket.ts';
import { EMPTY_PART, type LedgerWrite, number, type WritePart } from './update-expressions.ts';

/** The path of a key's share; `#share` stands for the key's id. */
const SHARE_PATH = '#keys.#share';

/** The write that opens a key's share of a period. */
export function openKeyLedgerWrite(key: KeyTerms): LedgerWrite {
  return {
    UpdateExpression: `SET ${SHARE_PATH} = :share`,
    ConditionExpression: `attribute_exists(#keys) AND attribute_not_exists(${SHARE_PATH})`,
    ExpressionAttributeNames: { '#keys': 'keys', '#share': key.id },
    ExpressionAttributeValues: { ':share': keyValue(openKeyLedger(key.limitPicoUsd)) },
  };
}

/** Takes a call's cost, request and tokens from the share of a key with limits of its own. */
export function keyReservePart(
  key: KeyTerms | undefined,
  nowEpochMs: number,
  bucketStates: RateBucketStates,
): WritePart {
  if (key === undefined) return EMPTY_PART;
  const requests = bucketPart('rpmTat', key.rpmCostUs, nowEpochMs, bucketStates.requests, SHARE_PATH);
  const tokens = bucketPart('tpmTat', key.tpmCostUs, nowEpochMs, bucketStates.tokens, SHARE_PATH);
  const available = `${SHARE_PATH}.#available`;
  const isLimited = key.limitPicoUsd !== undefined;
  return {
    set: [
      // Without a limit a no-op SET, so that UPDATED_NEW returns the whole share.
      isLimited ? `${available} = ${available} - :cost` : `${available} = ${available}`,
      ...requests.set,
      ...tokens.set,
    ],
    condition: [
      isLimited ? `${available} >= :cost` : `attribute_exists(${SHARE_PATH})`,
      ...requests.condition,
      ...tokens.condition,
    ],
    names: ['keys', 'available', 'rpmTat', 'tpmTat'],
    placeholders: { '#share': key.id },
    values: { ...requests.values, ...tokens.values },
  };
}

/** Gives the unused part of a call back to the share of a key with limits of its own. */
export function keyRefundPart({ key }: ReserveTerms, tpmRefundUs: number): WritePart {
  if (key === undefined) return EMPTY_PART;
  const available = `${SHARE_PATH}.#available`;
  const money = key.limitPicoUsd === undefined ? [] : [`${available} = ${available} + :refund`];
  return {
    set: [...money, `${SHARE_PATH}.#tpmTat = ${SHARE_PATH}.#tpmTat - :keyTpmRefund`],
    condition: [],
    names: ['keys', 'available', 'tpmTat'],
    placeholders: { '#share': key.id },
    values: { ':keyTpmRefund': number(tpmRefundUs) },
  };
}
