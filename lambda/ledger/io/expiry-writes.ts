import type { Reservation } from '../reservation.ts';
import { reservationValue } from './ledger-item.ts';
import { EXPIRED_SETTLEMENT, type LedgerWrite, names, number, reservationEndValue } from './update-expressions.ts';

/** The write that takes reservations past their time for spent at their bound, and forgets lapsed ones of long ago. */
export function expireWrite(reservations: readonly Reservation[], purgedIds: readonly string[]): LedgerWrite {
  const cost = reservations.reduce((sum, { maxCostPicoUsd }) => sum + maxCostPicoUsd, 0n);
  const each = <T>(of: (reservation: Reservation, index: number) => T): T[] => reservations.map(of);
  return {
    UpdateExpression: `SET ${[
      '#reserved = #reserved - :cost',
      '#spent = #spent + :cost',
      '#assumed = #assumed + :cost',
      '#last = :last',
      ...each((_, n) => `#lapsed.#i${n} = :r${n}`),
    ].join(', ')} REMOVE ${[...each((_, n) => `#open.#i${n}`), ...purgedIds.map((_, n) => `#lapsed.#f${n}`)].join(
      ', ',
    )}`,
    // All of them as they were seen: one that has been settled meanwhile makes the write fail, and the ledger be read anew.
    ConditionExpression: each((_, n) => `#open.#i${n} = :r${n}`).join(' AND '),
    ExpressionAttributeNames: {
      ...names('reserved', 'spent', 'assumed', 'lapsed', 'open', 'last'),
      ...Object.fromEntries(each(({ id }, n) => [`#i${n}`, id])),
      ...Object.fromEntries(purgedIds.map((id, n) => [`#f${n}`, id])),
    },
    ExpressionAttributeValues: {
      ':cost': number(cost),
      ...Object.fromEntries(each((reservation, n) => [`:r${n}`, reservationValue(reservation)])),
      ':last': {
        L: each((reservation) =>
          reservationEndValue(
            'expire',
            reservation,
            { ...EXPIRED_SETTLEMENT, costPicoUsd: reservation.maxCostPicoUsd },
            reservation.expiresAtEpochMs,
          ),
        ),
      },
    },
  };
}

/** The write that only forgets lapsed reservations of long ago. */
export function purgeLapsedWrite(ids: readonly string[]): LedgerWrite {
  return {
    UpdateExpression: `REMOVE ${ids.map((_, n) => `#lapsed.#f${n}`).join(', ')}`,
    ConditionExpression: 'attribute_type(#lapsed, :map)',
    ExpressionAttributeNames: { ...names('lapsed'), ...Object.fromEntries(ids.map((id, n) => [`#f${n}`, id])) },
    ExpressionAttributeValues: { ':map': { S: 'M' } },
  };
}
