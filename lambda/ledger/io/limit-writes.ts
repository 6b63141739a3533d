import type { LedgerState } from '../reservation.ts';
import { earliestTopUpEnd } from '../top-ups.ts';
import { topUpsValue } from './ledger-item.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/** A limit as an item has it. */
type TopUpLimitState = Pick<LedgerState, 'limitPicoUsd' | 'availablePicoUsd' | 'topUps'>;

/** The write that changes a limit, or the top-ups in it, unless either has changed since it was read. */
export function limitWrite(before: TopUpLimitState, after: TopUpLimitState): LedgerWrite {
  const endMs = earliestTopUpEnd(after.topUps);
  const sets = ['#limit = :limit', '#available = #available + :by', '#topUps = :topUps'];
  // Only a time that is there can be over; the admitting write compares it.
  const end = endMs === undefined ? ' REMOVE #topUpsEndMs' : ', #topUpsEndMs = :endMs';
  const sameTopUps =
    before.topUps.size === 0 ? '(attribute_not_exists(#topUps) OR #topUps = :topUpsBefore)' : '#topUps = :topUpsBefore';
  return {
    UpdateExpression: `SET ${sets.join(', ')}${end}`,
    ConditionExpression: `#limit = :before AND ${sameTopUps}`,
    ExpressionAttributeNames: names('limit', 'available', 'topUps', 'topUpsEndMs'),
    ExpressionAttributeValues: {
      ':limit': number(after.limitPicoUsd),
      ':before': number(before.limitPicoUsd),
      ':by': number(after.availablePicoUsd - before.availablePicoUsd),
      ':topUps': topUpsValue(after.topUps),
      ':topUpsBefore': topUpsValue(before.topUps),
      ...(endMs === undefined ? {} : { ':endMs': number(endMs) }),
    },
  };
}

/** The write that ends what a team has leased at a time, unless it ends before. */
export function endLeaseWrite(atEpochMs: number): LedgerWrite {
  return {
    UpdateExpression: 'SET #leaseEndMs = :at',
    ConditionExpression: 'attribute_exists(#limit) AND (attribute_not_exists(#leaseEndMs) OR #leaseEndMs > :at)',
    ExpressionAttributeNames: names('limit', 'leaseEndMs'),
    ExpressionAttributeValues: { ':at': number(atEpochMs) },
  };
}
