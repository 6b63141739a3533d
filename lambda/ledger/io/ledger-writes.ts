import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { RATE_WINDOW_US } from '../../kernel/rate-limit.ts';
import { type KeyTerms, openKeyLedger } from '../key-ledger.ts';
import { overrunAmount } from '../ledger.ts';
import type { LedgerView, ReserveTerms, Settlement } from '../reservation.ts';
import { keyValue, reservationValue } from './ledger-item.ts';
import { type LedgerWrite, lastEndsValue, names, number } from './update-expressions.ts';

/** What a bucket needs: DynamoDB cannot take a maximum, so an idle bucket and a busy one are written differently. */
type BucketState = 'idle' | 'busy';

type Buckets = Pick<LedgerView, 'rpmTatUs' | 'tpmTatUs'>;
type RateBucketStates = { readonly requests: BucketState; readonly tokens: BucketState };

/** The forms a reserve's buckets take, the team's and the key's; guessed from the ledger as last seen. */
export type ReserveBucketStates = RateBucketStates & { readonly key: RateBucketStates };

/** Chooses the forms for a ledger, and a key's share of it, as they were last seen. */
export function guessBucketStates(
  team: Buckets | undefined,
  key: Buckets | undefined,
  nowEpochMs: number,
): ReserveBucketStates {
  const bucketState = (tatUs = 0): BucketState => (tatUs < nowEpochMs * 1000 ? 'idle' : 'busy');
  const forms = (seen: Buckets | undefined) => ({
    requests: bucketState(seen?.rpmTatUs),
    tokens: bucketState(seen?.tpmTatUs),
  });
  return { ...forms(team), key: forms(key) };
}

/** Attributes that are written as they are, so that the answer tells them: `UPDATED_NEW` names what a write touched. */
const UNCHANGED_TOTALS = ['limit', 'spent', 'assumed', 'overrun'];

/** The write that admits a call: money, concurrency, both rates and the pause in one condition. */
export function reserveWrite(terms: ReserveTerms, forms: ReserveBucketStates): LedgerWrite {
  const { reservation } = terms;
  const requests = bucketPart('rpmTat', terms.rpmCostUs, terms.nowEpochMs, forms.requests);
  const tokens = bucketPart('tpmTat', terms.tpmCostUs, terms.nowEpochMs, forms.tokens);
  const key = terms.key === undefined ? EMPTY_PART : keyPart(terms.key, terms.nowEpochMs, forms.key);
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
      // What ends by itself ends here: no job has to come by in time.
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
      ...key.own,
      '#id': reservation.id,
      '#keyId': reservation.keyId,
    },
    ExpressionAttributeValues: {
      ':cost': number(reservation.maxCostPicoUsd),
      ':reservation': reservationValue(reservation),
      ':maxConcurrent': number(terms.maxConcurrent),
      ':nowMs': number(terms.nowEpochMs),
      ...requests.values,
      ...tokens.values,
      ...key.values,
    },
  };
}

/** A part of a write's expressions; `own` are names that are no attribute's of the gateway's. */
type ExpressionPart = {
  readonly set: readonly string[];
  readonly condition: readonly string[];
  readonly names: readonly string[];
  readonly own: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, AttributeValue>>;
};
const EMPTY_PART: ExpressionPart = { set: [], condition: [], names: [], own: {}, values: {} };

/** What a key with limits of its own takes from its share of the ledger. */
function keyPart(key: KeyTerms, nowEpochMs: number, forms: RateBucketStates): ExpressionPart {
  const path = '#keys.#share';
  const requests = bucketPart('rpmTat', key.rpmCostUs, nowEpochMs, forms.requests, path);
  const tokens = bucketPart('tpmTat', key.tpmCostUs, nowEpochMs, forms.tokens, path);
  const isLimited = key.limitPicoUsd !== undefined;
  // Without a limit the money is written as it is, so that the answer tells the whole share.
  return {
    set: [
      isLimited ? `${path}.#available = ${path}.#available - :cost` : `${path}.#available = ${path}.#available`,
      ...requests.set,
      ...tokens.set,
    ],
    condition: [
      isLimited ? `${path}.#available >= :cost` : `attribute_exists(${path})`,
      ...requests.condition,
      ...tokens.condition,
    ],
    names: ['keys', 'available', 'rpmTat', 'tpmTat'],
    own: { '#share': key.id },
    values: { ...requests.values, ...tokens.values },
  };
}

/** The write that gives a key with limits of its own its share of a period. */
export function openKeyLedgerWrite(key: KeyTerms): LedgerWrite {
  return {
    UpdateExpression: 'SET #keys.#share = :share',
    ConditionExpression: 'attribute_exists(#keys) AND attribute_not_exists(#keys.#share)',
    ExpressionAttributeNames: { '#keys': 'keys', '#share': key.id },
    ExpressionAttributeValues: { ':share': keyValue(openKeyLedger(key.limitPicoUsd)) },
  };
}

function bucketPart(
  name: 'rpmTat' | 'tpmTat',
  costUs: number,
  nowEpochMs: number,
  bucketState: BucketState,
  of?: string,
) {
  // The key's bucket and the team's have the same name, and values of their own.
  const [path, value] = of === undefined ? [`#${name}`, `:${name}`] : [`${of}.#${name}`, `:${name}Key`];
  if (costUs === 0) {
    // Echoed all the same, so that the sight of the ledger stays whole.
    return { names: [name], set: [`${path} = ${path}`], condition: [], values: {} };
  }
  const nowUs = nowEpochMs * 1000;
  if (bucketState === 'idle') {
    return {
      names: [name],
      set: [`${path} = ${value}Next`],
      condition: [`${path} < :nowUs`],
      values: { ':nowUs': number(nowUs), [`${value}Next`]: number(nowUs + costUs) },
    };
  }
  return {
    names: [name],
    set: [`${path} = ${path} + ${value}Cost`],
    condition: [`${path} BETWEEN :nowUs AND ${value}Latest`],
    values: {
      ':nowUs': number(nowUs),
      [`${value}Cost`]: number(costUs),
      [`${value}Latest`]: number(nowUs + RATE_WINDOW_US - costUs),
    },
  };
}

/** The write that ends an open reservation. */
export function settleWrite(terms: ReserveTerms, settlement: Settlement, nowEpochMs: number): LedgerWrite {
  const { reservation } = terms;
  const key = keyRefund(terms, settlement.keyTpmRefundUs ?? 0);
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
      ...key.set,
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
        ...key.names,
      ),
      ...key.own,
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

/** What a call's end gives back to the share of a key with limits of its own. */
function keyRefund({ key }: ReserveTerms, tpmRefundUs: number): Omit<ExpressionPart, 'condition'> {
  if (key === undefined) return EMPTY_PART;
  const path = '#keys.#share';
  const money = key.limitPicoUsd === undefined ? [] : [`${path}.#available = ${path}.#available + :refund`];
  return {
    set: [...money, `${path}.#tpmTat = ${path}.#tpmTat - :keyTpmRefund`],
    names: ['keys', 'available', 'tpmTat'],
    own: { '#share': key.id },
    values: { ':keyTpmRefund': number(tpmRefundUs) },
  };
}

/** The write that puts the true cost in place of the one assumed when the reservation lapsed. */
export function correctWrite(terms: ReserveTerms, settlement: Settlement): LedgerWrite {
  const { reservation } = terms;
  // Its tokens have long been refilled.
  const key = keyRefund(terms, 0);
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
        ...key.names,
      ),
      ...key.own,
      '#id': reservation.id,
    },
    ExpressionAttributeValues: {
      ':refund': number(reservation.maxCostPicoUsd - settlement.costPicoUsd),
      ':assumed': number((settlement.assumed ? settlement.costPicoUsd : 0n) - reservation.maxCostPicoUsd),
      ':overrun': number(overrunAmount(reservation, settlement.costPicoUsd)),
      // At the same moment as the expiry that it replaces, so that both count on the same day.
      ':last': lastEndsValue('correct', reservation, settlement, reservation.expiresAtEpochMs),
      ...key.values,
    },
  };
}
