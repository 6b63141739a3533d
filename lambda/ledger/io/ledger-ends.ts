import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { type PicoUsd, picoUsd } from '../../kernel/money.ts';
import type { LedgerKey } from '../ports.ts';
import { type CallEnd, END_KINDS, type LedgerEnd } from '../reservation-end.ts';
import { teamOf } from './ledger-item.ts';

/** As much of a record of the ledger's stream as tells of ends, or of refusals. */
export type LedgerRecord = { readonly NewImage?: Item | undefined; readonly OldImage?: Item | undefined };

/** A record of what cannot be read: trying again does not help. */
export class UnreadableRecord extends Error {
  override readonly name = 'UnreadableRecord';
}

/**
 * The ends that a write of a ledger made; none for any other write, which leaves the last ends in place, and for any
 * other item.
 *
 * @throws UnreadableRecord
 */
export function endsOf({ NewImage, OldImage }: LedgerRecord): readonly LedgerEnd[] {
  const ledger = ledgerOf(NewImage);
  const last = NewImage?.last;
  if (ledger === undefined || last === undefined) return [];
  // By what names ends, and not as a whole: the two images need not have their fields in the same order.
  if (namesIn(last) === namesIn(OldImage?.last)) return [];
  if (last.L === undefined) throw new UnreadableRecord('last is no list');
  return last.L.map((entry) => ({ ledger, end: endOf(entry.M ?? {}) }));
}

/** The ledger that an image is of; undefined for any other item. */
export function ledgerOf(image: Item | undefined): LedgerKey | undefined {
  const team = teamOf(image);
  const period = /^LEDGER#(\d{4}-\d{2})$/.exec(image?.[SORT_KEY]?.S ?? '')?.[1];
  return team === undefined || period === undefined ? undefined : { team, period };
}

function namesIn(last: AttributeValue | undefined): string {
  if (last === undefined) return 'none';
  return JSON.stringify(last.L?.map(({ M }) => [M?.kind?.S, M?.id?.S]) ?? 'no list');
}

function endOf(entry: Item): CallEnd {
  const kind = END_KINDS.find((known) => known === entry.kind?.S);
  if (kind === undefined) throw new UnreadableRecord(`an end of the unknown kind ${entry.kind?.S}`);
  return {
    kind,
    id: text(entry, 'id'),
    keyId: text(entry, 'key'),
    model: text(entry, 'model'),
    costPicoUsd: money(entry, 'cost'),
    boundPicoUsd: money(entry, 'bound'),
    assumed: entry.assumed?.BOOL === true,
    promptTokens: count(entry, 'promptTokens'),
    cachedTokens: count(entry, 'cachedTokens'),
    completionTokens: count(entry, 'completionTokens'),
    reasoningTokens: countIfAny(entry, 'reasoningTokens'),
    trace: {
      upstreamMs: countIfAny(entry, 'upstreamMs'),
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
  if (value === undefined || value === '') throw new UnreadableRecord(`an end without ${name}`);
  return value;
}

function money(entry: Item, name: string): PicoUsd {
  const digits = entry[name]?.N ?? '';
  if (!/^-?\d+$/.test(digits)) throw new UnreadableRecord(`an end whose ${name} is no amount`);
  return picoUsd(BigInt(digits));
}

function countIfAny(entry: Item, name: string): number {
  return entry[name] === undefined ? 0 : count(entry, name);
}

function count(entry: Item, name: string): number {
  const value = Number(entry[name]?.N ?? Number.NaN);
  if (!Number.isSafeInteger(value)) throw new UnreadableRecord(`an end whose ${name} is no whole number`);
  return value;
}
