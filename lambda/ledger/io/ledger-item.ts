import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { type PicoUsd, picoUsd, ZERO_USD } from '../../kernel/money.ts';
import type { BudgetSnapshot } from '../budget-snapshot.ts';
import type { KeyLedger } from '../key-ledger.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState, LedgerView, Reservation } from '../reservation.ts';
import type { TopUp } from '../top-ups.ts';
import { parsePause, parseRevokedKeys } from './team-controls-item.ts';

/** Returns the key of a team's ledger item for a period. */
export function ledgerItemKey({ team, period }: LedgerKey): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: teamPartitionKey(team) }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Returns the ledger that an item belongs to; undefined for any other item. */
export function parseLedgerKey(item: Item | undefined): LedgerKey | undefined {
  const team = parseTeamName(item);
  const period = /^LEDGER#(\d{4}-\d{2})$/.exec(item?.[SORT_KEY]?.S ?? '')?.[1];
  return team === undefined || period === undefined ? undefined : { team, period };
}

/** Decodes a team's spending from an image of the ledger's stream; undefined for any other item. */
export function parseBudgetSnapshot(image: Item | undefined): BudgetSnapshot | undefined {
  const ledger = parseLedgerKey(image);
  if (ledger === undefined || image?.limit === undefined) return undefined;
  const { spentPicoUsd, limitPicoUsd } = parseLedgerView(image);
  return { holder: ledger.team, period: ledger.period, spentPicoUsd, limitPicoUsd };
}

/** Decodes a ledger's totals. A missing attribute is zero: it is newer than the item. */
export function parseLedgerView(item: Item): LedgerView {
  return {
    limitPicoUsd: parseMoney(item.limit),
    availablePicoUsd: parseMoney(item.available),
    reservedPicoUsd: parseMoney(item.reserved),
    spentPicoUsd: parseMoney(item.spent),
    leasedPicoUsd: parseMoney(item.leased),
    assumedPicoUsd: parseMoney(item.assumed),
    overrunPicoUsd: parseMoney(item.overrun),
    rpmTatUs: Number(item.rpmTat?.N ?? 0),
    tpmTatUs: Number(item.tpmTat?.N ?? 0),
  };
}

/** Decodes the attributes that a write returns: the totals, and the share of the key that it changed. */
export function parseUpdatedView(item: Item): LedgerView {
  const [key] = parseKeyLedgers(item).values();
  return { ...parseLedgerView(item), ...(key === undefined ? {} : { key }) };
}

/** Decodes a whole ledger item. */
export function parseLedgerState(item: Item): LedgerState {
  return {
    ...parseLedgerView(item),
    open: parseReservations(item.open),
    lapsed: parseReservations(item.lapsed),
    topUps: parseTopUps(item),
    pauses: { team: parsePause(item.paused), organization: parsePause(item.pausedAll) },
    keys: parseKeyLedgers(item),
    leaseEndsAtEpochMs: item.leaseEndMs?.N === undefined ? undefined : Number(item.leaseEndMs.N),
    revoked: new Set(parseRevokedKeys(item.revoked).keys()),
  };
}

/** Returns the partition key of a team's items. */
export function teamPartitionKey(team: string): string {
  return `TEAM#${team}`;
}

/** Returns the team in whose partition an item is; undefined for other partitions. */
export function parseTeamName(item: Item | undefined): string | undefined {
  return /^TEAM#(.+)$/.exec(item?.[PARTITION_KEY]?.S ?? '')?.[1];
}

/** Encodes top-ups. */
export function topUpsValue(topUps: ReadonlyMap<string, TopUp>): AttributeValue {
  const value = ({ amountPicoUsd, untilEpochMs }: TopUp): AttributeValue => ({
    M: { amount: { N: String(amountPicoUsd) }, untilMs: { N: String(untilEpochMs) } },
  });
  return { M: Object.fromEntries([...topUps].map(([id, topUp]) => [id, value(topUp)])) };
}

/** Encodes a reservation as an entry of the `open` map. Names are short, because every write pays for every entry. */
export function reservationValue(reservation: Reservation): AttributeValue {
  return {
    M: {
      cost: { N: String(reservation.maxCostPicoUsd) },
      tokens: { N: String(reservation.tokens) },
      model: { S: reservation.model },
      key: { S: reservation.keyId },
      expiresAtMs: { N: String(reservation.expiresAtEpochMs) },
    },
  };
}

/** Encodes a key's share. */
export function keyValue({ limitPicoUsd, availablePicoUsd, rpmTatUs, tpmTatUs }: KeyLedger): AttributeValue {
  return {
    M: {
      ...(limitPicoUsd === undefined ? {} : { limit: { N: String(limitPicoUsd) } }),
      available: { N: String(availablePicoUsd) },
      rpmTat: { N: String(rpmTatUs) },
      tpmTat: { N: String(tpmTatUs) },
    },
  };
}

function parseKeyLedgers(item: Item): ReadonlyMap<string, KeyLedger> {
  const entries = Object.entries(item.keys?.M ?? {}).map(([id, { M: entry = {} }]): [string, KeyLedger] => [
    id,
    {
      limitPicoUsd: entry.limit === undefined ? undefined : parseMoney(entry.limit),
      availablePicoUsd: parseMoney(entry.available),
      rpmTatUs: Number(entry.rpmTat?.N ?? 0),
      tpmTatUs: Number(entry.tpmTat?.N ?? 0),
    },
  ]);
  return new Map(entries);
}

/** Decodes the top-ups of a team's or the organisation's ledger. */
export function parseTopUps(item: Item): ReadonlyMap<string, TopUp> {
  const entries = Object.entries(item.topUps?.M ?? {}).map(([id, { M: entry = {} }]): [string, TopUp] => [
    id,
    { id, amountPicoUsd: parseMoney(entry.amount), untilEpochMs: Number(entry.untilMs?.N ?? 0) },
  ]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parseReservations(value: AttributeValue | undefined): ReadonlyMap<string, Reservation> {
  const entries = Object.entries(value?.M ?? {}).map(([id, { M: entry = {} }]): [string, Reservation] => [
    id,
    {
      id,
      maxCostPicoUsd: parseMoney(entry.cost),
      tokens: Number(entry.tokens?.N ?? 0),
      model: entry.model?.S ?? '',
      keyId: entry.key?.S ?? '',
      expiresAtEpochMs: Number(entry.expiresAtMs?.N ?? 0),
    },
  ]);
  return new Map(entries);
}

/** Decodes an amount; a missing one is zero. */
export function parseMoney(value: AttributeValue | undefined): PicoUsd {
  return value?.N === undefined ? ZERO_USD : picoUsd(BigInt(value.N));
}
