import type { LedgerState } from '../../reservation.ts';
import { earliestTopUpEnd } from '../../top-ups.ts';
import { topUpsValue } from '../ledger-item.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/** The attributes of a team's or the organisation's ledger that a change of its limit concerns. */
type Limited = Pick<LedgerState, 'limitPicoUsd' | 'availablePicoUsd' | 'topUps'>;

/** The write that changes a limit or its top-ups; it fails if either has changed since it was read. */
export function limitWrite(before: Limited, after: Limited): LedgerWrite {
  const endMs = earliestTopUpEnd(after.topUps);
  const sets = ['#limit = :limit', '#available = #available + :by', '#topUps = :topUps'];
  // The condition of a reserve compares this time, so it exists only while there are top-ups.
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

/** The write that ends a team's lease at a time, unless it ends earlier. */
export function endLeaseWrite(atEpochMs: number): LedgerWrite {
  return {
    UpdateExpression: 'SET #leaseEndMs = :at',
    ConditionExpression: 'attribute_exists(#limit) AND (attribute_not_exists(#leaseEndMs) OR #leaseEndMs > :at)',
    ExpressionAttributeNames: names('limit', 'leaseEndMs'),
    ExpressionAttributeValues: { ':at': number(atEpochMs) },
  };
}
