import type { Reservation } from '../../reservation.ts';
import { reservationValue } from '../ledger-item.ts';
import { expiredEndsValue } from '../reservation-end-item.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/**
 * The write that expires overdue reservations, charges their maximum cost, and purges old lapsed ones. It fails if any
 * of the reservations has been settled since it was read.
 */
export function expireWrite(reservations: readonly Reservation[], purgedIds: readonly string[]): LedgerWrite {
  const cost = reservations.reduce((sum, { maxCostPicoUsd }) => sum + maxCostPicoUsd, 0n);
  const each = <T>(build: (reservation: Reservation, index: number) => T): T[] => reservations.map(build);
  const sets = [
    '#reserved = #reserved - :cost',
    '#spent = #spent + :cost',
    '#assumed = #assumed + :cost',
    '#last = :last',
    ...each((_, n) => `#lapsed.#i${n} = :r${n}`),
  ];
  const removes = [...each((_, n) => `#open.#i${n}`), ...purgedIds.map((_, n) => `#lapsed.#f${n}`)];
  return {
    UpdateExpression: `SET ${sets.join(', ')} REMOVE ${removes.join(', ')}`,
    ConditionExpression: each((_, n) => `#open.#i${n} = :r${n}`).join(' AND '),
    ExpressionAttributeNames: {
      ...names('reserved', 'spent', 'assumed', 'lapsed', 'open', 'last'),
      ...Object.fromEntries(each(({ id }, n) => [`#i${n}`, id])),
      ...Object.fromEntries(purgedIds.map((id, n) => [`#f${n}`, id])),
    },
    ExpressionAttributeValues: {
      ':cost': number(cost),
      ...Object.fromEntries(each((reservation, n) => [`:r${n}`, reservationValue(reservation)])),
      ':last': expiredEndsValue(reservations),
    },
  };
}

/** The write that purges old lapsed reservations. */
export function purgeLapsedWrite(ids: readonly string[]): LedgerWrite {
  return {
    UpdateExpression: `REMOVE ${ids.map((_, n) => `#lapsed.#f${n}`).join(', ')}`,
    ConditionExpression: 'attribute_type(#lapsed, :map)',
    ExpressionAttributeNames: { ...names('lapsed'), ...Object.fromEntries(ids.map((id, n) => [`#f${n}`, id])) },
    ExpressionAttributeValues: { ':map': { S: 'M' } },
  };
}
