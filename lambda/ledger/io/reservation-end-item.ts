import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { type PicoUsd, picoUsd } from '../../kernel/money.ts';
import { type CallTrace, NO_TRACE } from '../call-trace.ts';
import { type Reservation, type Settlement, VOID } from '../reservation.ts';
import { type LedgerEnd, RESERVATION_END_KINDS, type ReservationEnd } from '../reservation-end.ts';
import { parseLedgerKey } from './ledger-item.ts';
import { number } from './writes/update-expressions.ts';

/*
 * A write that ends reservations leaves their ends in the ledger item's attribute `last`, a list. The table's stream
 * delivers that item, so the ends are encoded and decoded here and nowhere else.
 */

/** The images of a record of the ledger's stream. */
export type LedgerRecord = { readonly NewImage?: Item | undefined; readonly OldImage?: Item | undefined };

/** A stream record that cannot be decoded; a retry does not help. */
export class MalformedRecordError extends Error {
  override readonly name = 'MalformedRecord';
}

/** Encodes the end of one reservation as the value of `last`. */
export function lastEndsValue(
  kind: Settlement['kind'] | 'correct',
  reservation: Reservation,
  settlement: Omit<Settlement, 'kind' | 'tpmRefundUs'>,
  atEpochMs: number,
): AttributeValue {
  const { id, keyId, model, maxCostPicoUsd } = reservation;
  const trace = settlement.trace ?? NO_TRACE;
  return { L: [encodeReservationEnd({ ...settlement, kind, id, keyId, model, maxCostPicoUsd, trace, atEpochMs })] };
}

/** Encodes the ends of expired reservations as the value of `last`. */
export function expiredEndsValue(reservations: readonly Reservation[]): AttributeValue {
  const ends = reservations.map(({ id, keyId, model, maxCostPicoUsd, expiresAtEpochMs }) =>
    encodeReservationEnd({
      ...VOID,
      kind: 'expire',
      id,
      keyId,
      model,
      maxCostPicoUsd,
      costPicoUsd: maxCostPicoUsd,
      assumed: true,
      trace: NO_TRACE,
      atEpochMs: expiresAtEpochMs,
    }),
  );
  return { L: ends };
}

/** Encodes one end; zeros that are common are left out, because `last` is part of every write until the next end. */
export function encodeReservationEnd(end: ReservationEnd): AttributeValue {
  return {
    M: {
      kind: { S: end.kind },
      id: { S: end.id },
      key: { S: end.keyId },
      model: { S: end.model },
      cost: number(end.costPicoUsd),
      bound: number(end.maxCostPicoUsd),
      assumed: { BOOL: end.assumed },
      promptTokens: number(end.promptTokens),
      cachedTokens: number(end.cachedTokens),
      completionTokens: number(end.completionTokens),
      atMs: number(end.atEpochMs),
      ...(end.reasoningTokens === 0 ? {} : { reasoningTokens: number(end.reasoningTokens) }),
      ...encodeTrace(end.trace),
    },
  };
}

function encodeTrace({ upstreamMs, groqKeys: { usedId, refusedIds } }: CallTrace): Record<string, AttributeValue> {
  return {
    ...(upstreamMs === 0 ? {} : { upstreamMs: number(upstreamMs) }),
    ...(usedId === undefined ? {} : { groqKey: { S: usedId } }),
    ...(refusedIds.length === 0 ? {} : { groqKeysRefused: { L: refusedIds.map((id) => ({ S: id })) } }),
  };
}

/**
 * Decodes the ends that a write of a ledger made. A write that ended nothing leaves `last` as it was: it has none, and
 * neither has any other item.
 *
 * @throws MalformedRecordError
 */
export function parseReservationEnds({ NewImage, OldImage }: LedgerRecord): readonly LedgerEnd[] {
  const ledger = parseLedgerKey(NewImage);
  const last = NewImage?.last;
  if (ledger === undefined || last === undefined) return [];
  // Compares kinds and ids: the two images need not list the fields in the same order.
  if (endsFingerprint(last) === endsFingerprint(OldImage?.last)) return [];
  if (last.L === undefined) throw new MalformedRecordError('last is not a list');
  return last.L.map((entry) => ({ ledger, end: decodeReservationEnd(entry.M ?? {}) }));
}

function endsFingerprint(last: AttributeValue | undefined): string {
  if (last === undefined) return 'none';
  return JSON.stringify(last.L?.map(({ M }) => [M?.kind?.S, M?.id?.S]) ?? 'no list');
}

function decodeReservationEnd(entry: Item): ReservationEnd {
  const kind = RESERVATION_END_KINDS.find((known) => known === entry.kind?.S);
  if (kind === undefined) throw new MalformedRecordError(`an end has the unknown kind ${entry.kind?.S}`);
  return {
    kind,
    id: text(entry, 'id'),
    keyId: text(entry, 'key'),
    model: text(entry, 'model'),
    costPicoUsd: money(entry, 'cost'),
    maxCostPicoUsd: money(entry, 'bound'),
    assumed: entry.assumed?.BOOL === true,
    promptTokens: count(entry, 'promptTokens'),
    cachedTokens: count(entry, 'cachedTokens'),
    completionTokens: count(entry, 'completionTokens'),
    reasoningTokens: optionalCount(entry, 'reasoningTokens'),
    trace: {
      upstreamMs: optionalCount(entry, 'upstreamMs'),
      groqKeys: {
        usedId: entry.groqKey?.S,
        refusedIds: (entry.groqKeysRefused?.L ?? []).flatMap(({ S }) => S ?? []),
      },
    },
    atEpochMs: count(entry, 'atMs'),
  };
}

function text(entry: Item, name: string): string {
  const value = entry[name]?.S;
  if (value === undefined || value === '') throw new MalformedRecordError(`an end without ${name}`);
  return value;
}

function money(entry: Item, name: string): PicoUsd {
  const digits = entry[name]?.N ?? '';
  if (!/^-?\d+$/.test(digits)) throw new MalformedRecordError(`the ${name} of an end is not an amount`);
  return picoUsd(BigInt(digits));
}

function optionalCount(entry: Item, name: string): number {
  return entry[name] === undefined ? 0 : count(entry, name);
}

function count(entry: Item, name: string): number {
  const value = Number(entry[name]?.N ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new MalformedRecordError(`the ${name} of an end is not a whole number`);
  return value;
}
