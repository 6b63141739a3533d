import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { ledgerItemKey } from '../../../../lambda/ledger/io/ledger-item.ts';
import {
  encodeReservationEnd,
  expiredEndsValue,
  lastEndsValue,
  parseReservationEnds,
} from '../../../../lambda/ledger/io/reservation-end-item.ts';
import { RESERVATION_END_KINDS, type ReservationEnd } from '../../../../lambda/ledger/reservation-end.ts';
import { buildReserveTerms, buildSettlement, START_MS } from '../../../support/ledger/ledger-fixtures.ts';

const key = { team: 'chatbot', period: '2026-11' };
const text = fc.string({ minLength: 1 });
const money = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map(picoUsd);
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const arbitraryEnd: fc.Arbitrary<ReservationEnd> = fc.record({
  kind: fc.constantFrom(...RESERVATION_END_KINDS),
  id: text,
  keyId: text,
  model: text,
  costPicoUsd: money,
  maxCostPicoUsd: money,
  assumed: fc.boolean(),
  promptTokens: count,
  cachedTokens: count,
  completionTokens: count,
  reasoningTokens: fc.oneof(fc.constant(0), count),
  trace: fc.record({
    upstreamMs: fc.oneof(fc.constant(0), count),
    groqKeys: fc.record({ usedId: fc.option(text, { nil: undefined }), refusedIds: fc.array(text, { maxLength: 3 }) }),
  }),
  atEpochMs: count,
});

describe('the ends of reservations in a ledger item', () => {
  it('are decoded as they were encoded', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEnd, { maxLength: 4 }), (ends) => {
        const NewImage = { ...ledgerItemKey(key), last: { L: ends.map(encodeReservationEnd) } };
        expect(parseReservationEnds({ NewImage })).toEqual(ends.map((end) => ({ ledger: key, end })));
      }),
    );
  });

  it('name the reservation, its cost and its tokens after a settlement', () => {
    const { reservation } = buildReserveTerms('a', 300n);
    const last = lastEndsValue('settle', reservation, buildSettlement(120n, { tpmRefundUs: 7 }), START_MS);
    expect(parseReservationEnds({ NewImage: { ...ledgerItemKey(key), last } })).toMatchObject([
      { end: { kind: 'settle', id: 'a', costPicoUsd: 120n, maxCostPicoUsd: 300n, promptTokens: 1, assumed: false } },
    ]);
  });

  it('charge the maximum cost, assumed, at the time of the expiry', () => {
    const { reservation } = buildReserveTerms('a', 300n, { expiresAtEpochMs: START_MS + 9 });
    const last = expiredEndsValue([reservation]);
    expect(parseReservationEnds({ NewImage: { ...ledgerItemKey(key), last } })).toMatchObject([
      { end: { kind: 'expire', costPicoUsd: 300n, assumed: true, promptTokens: 0, atEpochMs: START_MS + 9 } },
    ]);
  });

  it('are none for a write that left the last ends in place', () => {
    const image = { ...ledgerItemKey(key), last: expiredEndsValue([buildReserveTerms('a', 300n).reservation]) };
    expect(parseReservationEnds({ NewImage: image, OldImage: image })).toEqual([]);
  });
});
