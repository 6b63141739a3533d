import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type LedgerState,
  type LedgerView,
  overrunOf,
  type Reservation,
  type ReserveTerms,
  type Settlement,
} from '../core/ledger.ts';
import type { PicoUsd } from '../core/money.ts';
import { RATE_WINDOW_US } from '../core/rate-limit.ts';
import { topUpsEndAt } from '../core/top-ups.ts';
import { reservationValue, topUpsValue } from './ledger-item.ts';

/** The expressions of one conditional update. */
export type LedgerWrite = {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
};

/** What a bucket needs: DynamoDB cannot take a maximum, so an idle bucket and a busy one are written differently. */
type BucketForm = 'idle' | 'busy';

/** The forms a reserve's buckets take; guessed from the ledger as last seen. */
export type BucketForms = { readonly requests: BucketForm; readonly tokens: BucketForm };

/** Chooses the forms for a ledger as it was last seen. */
export function bucketForms(view: Pick<LedgerView, 'rpmTatUs' | 'tpmTatUs'>, nowEpochMs: number): BucketForms {
  const form = (tatUs: number): BucketForm => (tatUs < nowEpochMs * 1000 ? 'idle' : 'busy');
  return { requests: form(view.rpmTatUs), tokens: form(view.tpmTatUs) };
}

/** Attributes that are written as they are, so that the answer tells them: `UPDATED_NEW` names what a write touched. */
const ECHOED = ['limit', 'spent', 'assumed', 'overrun'];

/** The write that admits a call: money, concurrency, both rates and the pause in one condition. */
export function reserveWrite(terms: ReserveTerms, forms: BucketForms): LedgerWrite {
  const { reservation } = terms;
  const requests = bucketPart('rpmTat', terms.rpmCostUs, terms.nowEpochMs, forms.requests);
  const tokens = bucketPart('tpmTat', terms.tpmCostUs, terms.nowEpochMs, forms.tokens);
  return {
    UpdateExpression: `SET ${[
      '#available = #available - :cost',
      '#reserved = #reserved + :cost',
      '#leased = #leased - :cost',
      '#open.#id = :reservation',
      ...ECHOED.map((name) => `#${name} = #${name}`),
      ...requests.set,
      ...tokens.set,
    ].join(', ')}`,
    ConditionExpression: [
      '#available >= :cost',
      '#leased >= :cost',
      'size(#open) < :maxConcurrent',
      'attribute_not_exists(#open.#id)',
      // What ends by itself ends here: no job has to come by in time.
      '(attribute_not_exists(#paused) OR #paused.#untilMs <= :nowMs)',
      '(attribute_not_exists(#pausedAll) OR #pausedAll.#untilMs <= :nowMs)',
      '(attribute_not_exists(#topUpsEndMs) OR #topUpsEndMs > :nowMs)',
      ...requests.condition,
      ...tokens.condition,
    ].join(' AND '),
    ExpressionAttributeNames: {
      ...names('available', 'reserved', 'leased', 'open', ...ECHOED, ...requests.names, ...tokens.names),
      ...names('paused', 'pausedAll', 'untilMs', 'topUpsEndMs'),
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':cost': number(reservation.costPicoUsd),
      ':reservation': reservationValue(reservation),
      ':maxConcurrent': number(terms.maxConcurrent),
      ':nowMs': number(terms.nowEpochMs),
      ...requests.values,
      ...tokens.values,
    },
  };
}

function bucketPart(name: 'rpmTat' | 'tpmTat', costUs: number, nowEpochMs: number, form: BucketForm) {
  if (costUs === 0) {
    // Echoed all the same, so that the sight of the ledger stays whole.
    return { names: [name], set: [`#${name} = #${name}`], condition: [], values: {} };
  }
  const nowUs = nowEpochMs * 1000;
  if (form === 'idle') {
    return {
      names: [name],
      set: [`#${name} = :${name}Next`],
      condition: [`#${name} < :nowUs`],
      values: { ':nowUs': number(nowUs), [`:${name}Next`]: number(nowUs + costUs) },
    };
  }
  return {
    names: [name],
    set: [`#${name} = #${name} + :${name}Cost`],
    condition: [`#${name} BETWEEN :nowUs AND :${name}Latest`],
    values: {
      ':nowUs': number(nowUs),
      [`:${name}Cost`]: number(costUs),
      [`:${name}Latest`]: number(nowUs + RATE_WINDOW_US - costUs),
    },
  };
}

/** The write that ends an open reservation. */
export function settleWrite(terms: ReserveTerms, settlement: Settlement, nowEpochMs: number): LedgerWrite {
  const { reservation } = terms;
  return {
    UpdateExpression: `SET ${[
      '#available = #available + :refund',
      '#leased = #leased + :refund',
      '#reserved = #reserved - :held',
      '#spent = #spent + :cost',
      '#assumed = #assumed + :assumed',
      '#overrun = #overrun + :overrun',
      '#tpmTat = #tpmTat - :tpmRefund',
      '#rpmTat = #rpmTat',
      '#limit = #limit',
      '#last = :last',
    ].join(', ')} REMOVE #open.#id`,
    ConditionExpression: 'attribute_exists(#open.#id)',
    ExpressionAttributeNames: {
      ...names(
        'available',
        'leased',
        'reserved',
        'spent',
        'assumed',
        'overrun',
        'tpmTat',
        'rpmTat',
        'limit',
        'last',
        'open',
      ),
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':refund': number(reservation.costPicoUsd - settlement.costPicoUsd),
      ':held': number(reservation.costPicoUsd),
      ':cost': number(settlement.costPicoUsd),
      ':assumed': number(settlement.assumed ? settlement.costPicoUsd : 0n),
      ':overrun': number(overrunOf(reservation, settlement.costPicoUsd)),
      ':tpmRefund': number(settlement.tpmRefundUs),
      ':last': lastValue(settlement.kind, reservation, settlement, nowEpochMs),
    },
  };
}

/** The write that puts the true cost in place of the one assumed when the reservation lapsed. */
export function correctWrite(terms: ReserveTerms, settlement: Settlement): LedgerWrite {
  const { reservation } = terms;
  return {
    UpdateExpression: `SET ${[
      '#available = #available + :refund',
      '#leased = #leased + :refund',
      '#spent = #spent - :refund',
      '#assumed = #assumed + :assumed',
      '#overrun = #overrun + :overrun',
      ...['reserved', 'rpmTat', 'tpmTat', 'limit'].map((name) => `#${name} = #${name}`),
      '#last = :last',
    ].join(', ')} REMOVE #lapsed.#id`,
    ConditionExpression: 'attribute_exists(#lapsed.#id)',
    ExpressionAttributeNames: {
      ...names(
        'available',
        'leased',
        'spent',
        'assumed',
        'overrun',
        'reserved',
        'rpmTat',
        'tpmTat',
        'limit',
        'last',
        'lapsed',
      ),
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':refund': number(reservation.costPicoUsd - settlement.costPicoUsd),
      ':assumed': number((settlement.assumed ? settlement.costPicoUsd : 0n) - reservation.costPicoUsd),
      ':overrun': number(overrunOf(reservation, settlement.costPicoUsd)),
      // At the same moment as the expiry that it replaces, so that both count on the same day.
      ':last': lastValue('correct', reservation, settlement, reservation.expiresAtEpochMs),
    },
  };
}

/** The write that takes reservations past their time for spent at their bound, and forgets lapsed ones of long ago. */
export function expireWrite(reservations: readonly Reservation[], forgottenIds: readonly string[]): LedgerWrite {
  const cost = reservations.reduce((sum, { costPicoUsd }) => sum + costPicoUsd, 0n);
  const each = <T>(of: (reservation: Reservation, index: number) => T): T[] => reservations.map(of);
  return {
    UpdateExpression: `SET ${[
      '#reserved = #reserved - :cost',
      '#spent = #spent + :cost',
      '#assumed = #assumed + :cost',
      '#last = :last',
      ...each((_, n) => `#lapsed.#i${n} = :r${n}`),
    ].join(', ')} REMOVE ${[...each((_, n) => `#open.#i${n}`), ...forgottenIds.map((_, n) => `#lapsed.#f${n}`)].join(
      ', ',
    )}`,
    // All of them as they were seen: one that has been settled meanwhile makes the write fail, and the ledger be read anew.
    ConditionExpression: each((_, n) => `#open.#i${n} = :r${n}`).join(' AND '),
    ExpressionAttributeNames: {
      ...names('reserved', 'spent', 'assumed', 'lapsed', 'open', 'last'),
      ...Object.fromEntries(each(({ id }, n) => [`#i${n}`, id])),
      ...Object.fromEntries(forgottenIds.map((id, n) => [`#f${n}`, id])),
    },
    ExpressionAttributeValues: {
      ':cost': number(cost),
      ...Object.fromEntries(each((reservation, n) => [`:r${n}`, reservationValue(reservation)])),
      ':last': {
        L: each((reservation) =>
          endOf(
            'expire',
            reservation,
            { ...TAKEN_FOR_SPENT, costPicoUsd: reservation.costPicoUsd },
            reservation.expiresAtEpochMs,
          ),
        ),
      },
    },
  };
}

/** A limit as an item has it. */
type LimitState = Pick<LedgerState, 'limit' | 'available' | 'topUps'>;

/** The write that changes a limit, or the top-ups in it, unless either has changed since it was read. */
export function limitWrite(before: LimitState, after: LimitState): LedgerWrite {
  const endMs = topUpsEndAt(after.topUps);
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
      ':limit': number(after.limit),
      ':before': number(before.limit),
      ':by': number(after.available - before.available),
      ':topUps': topUpsValue(after.topUps),
      ':topUpsBefore': topUpsValue(before.topUps),
      ...(endMs === undefined ? {} : { ':endMs': number(endMs) }),
    },
  };
}

/** How a reservation ends that nobody came back for. */
const TAKEN_FOR_SPENT = { assumed: true, promptTokens: 0, cachedTokens: 0, completionTokens: 0 };

/** A list of what just ended, for the readers of the table's stream. */
function lastValue(...end: Parameters<typeof endOf>): AttributeValue {
  return { L: [endOf(...end)] };
}

function endOf(
  kind: string,
  reservation: Reservation,
  ended: Omit<Settlement, 'kind' | 'tpmRefundUs'>,
  atEpochMs: number,
): AttributeValue {
  return {
    M: {
      kind: { S: kind },
      id: { S: reservation.id },
      key: { S: reservation.keyId },
      model: { S: reservation.model },
      cost: number(ended.costPicoUsd),
      bound: number(reservation.costPicoUsd),
      assumed: { BOOL: ended.assumed },
      promptTokens: number(ended.promptTokens),
      cachedTokens: number(ended.cachedTokens),
      completionTokens: number(ended.completionTokens),
      atMs: number(atEpochMs),
    },
  };
}

function names(...attributes: readonly string[]): Record<string, string> {
  return Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute]));
}

function number(value: number | bigint | PicoUsd): AttributeValue {
  return { N: String(value) };
}
