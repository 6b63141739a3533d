import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { type PicoUsd, picoUsd } from '../../kernel/money.ts';
import type { LedgerKey } from '../ports.ts';
import { type LedgerEnd, RESERVATION_END_KINDS, type ReservationEnd } from '../reservation-end.ts';
import { parseTeamName } from './ledger-item.ts';

/** As much of a record of the ledger's stream as tells of ends, or of refusals. */
export type LedgerRecord = { readonly NewImage?: Item | undefined; readonly OldImage?: Item | undefined };

/** A record of what cannot be read: trying again does not help. */
export class MalformedRecordError extends Error {
  override readonly name = 'UnreadableRecord';
}

/**
 * The ends that a write of a ledger made; none for any other write, which leaves the last ends in place, and for any
 * other item.
 *
 * @throws MalformedRecordError
 */
export function parseReservationEnds({ NewImage, OldImage }: LedgerRecord): readonly LedgerEnd[] {
  const ledger = parseLedgerKey(NewImage);
  const last = NewImage?.last;
  if (ledger === undefined || last === undefined) return [];
  // By what names ends, and not as a whole: the two images need not have their fields in the same order.
  if (endsFingerprint(last) === endsFingerprint(OldImage?.last)) return [];
  if (last.L === undefined) throw new MalformedRecordError('last is no list');
  return last.L.map((entry) => ({ ledger, end: parseReservationEnd(entry.M ?? {}) }));
}

/** The ledger that an image is of; undefined for any other item. */
export function parseLedgerKey(image: Item | undefined): LedgerKey | undefined {
  const team = parseTeamName(image);
  const period = /^LEDGER#(\d{4}-\d{2})$/.exec(image?.[SORT_KEY]?.S ?? '')?.[1];
  return team === undefined || period === undefined ? undefined : { team, period };
}

function endsFingerprint(last: AttributeValue | undefined): string {
  if (last === undefined) return 'none';
  return JSON.stringify(last.L?.map(({ M }) => [M?.kind?.S, M?.id?.S]) ?? 'no list');
}

function parseReservationEnd(entry: Item): ReservationEnd {
  const kind = RESERVATION_END_KINDS.find((known) => known === entry.kind?.S);
  if (kind === undefined) throw new MalformedRecordError(`an end of the unknown kind ${entry.kind?.S}`);
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
  if (!/^-?\d+$/.test(digits)) throw new MalformedRecordError(`an end whose ${name} is no amount`);
  return picoUsd(BigInt(digits));
}

function optionalCount(entry: Item, name: string): number {
  return entry[name] === undefined ? 0 : count(entry, name);
}

function count(entry: Item, name: string): number {
  const value = Number(entry[name]?.N ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new MalformedRecordError(`an end whose ${name} is no whole number`);
  return value;
}
