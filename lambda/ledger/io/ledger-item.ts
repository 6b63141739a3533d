import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { type PicoUsd, picoUsd, ZERO_USD } from '../../kernel/money.ts';
import type { KeyLedger } from '../key-ledger.ts';
import type { OrganizationLedger } from '../organization-ledger.ts';
import type { Pause } from '../pause.ts';
import type { LedgerKey } from '../ports.ts';
import type { LedgerState, LedgerView, Reservation } from '../reservation.ts';
import type { TopUp } from '../top-ups.ts';

/** The key of a team's ledger for a period. */
export function ledgerItemKey({ team, period }: LedgerKey): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: teamPartitionKey(team) }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Reads a ledger's totals; what an item lacks is zero, since items only ever gain attributes. */
export function parseLedgerView(item: Item): LedgerView {
  return {
    limitPicoUsd: money(item.limit),
    availablePicoUsd: money(item.available),
    reservedPicoUsd: money(item.reserved),
    spentPicoUsd: money(item.spent),
    leasedPicoUsd: money(item.leased),
    assumedPicoUsd: money(item.assumed),
    overrunPicoUsd: money(item.overrun),
    rpmTatUs: Number(item.rpmTat?.N ?? 0),
    tpmTatUs: Number(item.tpmTat?.N ?? 0),
  };
}

/** Reads what a write answered: the totals, and the share of the one key that it touched. */
export function parseUpdatedView(item: Item): LedgerView {
  const [key] = parseKeyLedgers(item).values();
  return { ...parseLedgerView(item), ...(key === undefined ? {} : { key }) };
}

/** Reads a whole ledger item. */
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

/** The key of what stands for a holder beyond its periods: whether it is paused, and which keys were revoked lately. */
export function teamControlsItemKey(holder: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: holder }, [SORT_KEY]: { S: 'STANDING' } };
}

/** Who holds the pause of all teams together. */
export const ORGANIZATION_PARTITION = 'ORG';

/** The partition of a team's items. */
export function teamPartitionKey(team: string): string {
  return `TEAM#${team}`;
}

/** The team whose partition an item is in; undefined for anybody else's. */
export function parseTeamName(item: Item | undefined): string | undefined {
  return /^TEAM#(.+)$/.exec(item?.[PARTITION_KEY]?.S ?? '')?.[1];
}

/** Reads a pause. */
export function parsePause(value: AttributeValue | undefined): Pause | undefined {
  if (value?.M === undefined) return undefined;
  const { reason, untilMs } = value.M;
  return { reason: reason?.S ?? '', untilEpochMs: untilMs?.N === undefined ? undefined : Number(untilMs.N) };
}

/** Writes a pause. */
export function pauseValue({ reason, untilEpochMs }: Pause): AttributeValue {
  const until: Record<string, AttributeValue> =
    untilEpochMs === undefined ? {} : { untilMs: { N: String(untilEpochMs) } };
  return { M: { reason: { S: reason }, ...until } };
}

/** Reads which keys were revoked lately, and until when that matters. */
export function parseRevokedKeys(value: AttributeValue | undefined): ReadonlyMap<string, number> {
  return new Map(Object.entries(value?.M ?? {}).map(([keyId, { N = '0' }]) => [keyId, Number(N)]));
}

/** Writes them. */
export function revokedValue(revoked: ReadonlyMap<string, number>): AttributeValue {
  return { M: Object.fromEntries([...revoked].map(([keyId, untilMs]) => [keyId, { N: String(untilMs) }])) };
}

/** Writes top-ups. */
export function topUpsValue(topUps: ReadonlyMap<string, TopUp>): AttributeValue {
  const entries = [...topUps].map(([id, { amountPicoUsd, untilEpochMs }]): [string, AttributeValue] => [
    id,
    { M: { amount: { N: String(amountPicoUsd) }, untilMs: { N: String(untilEpochMs) } } },
  ]);
  return { M: Object.fromEntries(entries) };
}

/** Writes a reservation as an entry of the `open` map; short names, since each entry rides on every write. */
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

/** The key of the organisation's ledger for a period. */
export function organizationItemKey(period: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: ORGANIZATION_PARTITION }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Reads the organisation's ledger. */
export function parseOrganizationLedger(item: Item): OrganizationLedger {
  return {
    limitPicoUsd: money(item.limit),
    availablePicoUsd: money(item.available),
    grantedPicoUsd: money(item.granted),
    holders: new Set(item.holders?.SS ?? []),
    topUps: parseTopUps(item),
  };
}

/** Writes a key's share. */
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
      limitPicoUsd: entry.limit === undefined ? undefined : money(entry.limit),
      availablePicoUsd: money(entry.available),
      rpmTatUs: Number(entry.rpmTat?.N ?? 0),
      tpmTatUs: Number(entry.tpmTat?.N ?? 0),
    },
  ]);
  return new Map(entries);
}

function parseTopUps(item: Item): ReadonlyMap<string, TopUp> {
  const entries = Object.entries(item.topUps?.M ?? {}).map(([id, { M: entry = {} }]): [string, TopUp] => [
    id,
    { id, amountPicoUsd: money(entry.amount), untilEpochMs: Number(entry.untilMs?.N ?? 0) },
  ]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parseReservations(value: AttributeValue | undefined): ReadonlyMap<string, Reservation> {
  const entries = Object.entries(value?.M ?? {});
  return new Map(entries.map(([id, entry]) => [id, parseReservation(id, entry.M ?? {})]));
}

function parseReservation(id: string, entry: Item): Reservation {
  return {
    id,
    maxCostPicoUsd: money(entry.cost),
    tokens: Number(entry.tokens?.N ?? 0),
    model: entry.model?.S ?? '',
    keyId: entry.key?.S ?? '',
    expiresAtEpochMs: Number(entry.expiresAtMs?.N ?? 0),
  };
}

function money(value: AttributeValue | undefined): PicoUsd {
  return value?.N === undefined ? ZERO_USD : picoUsd(BigInt(value.N));
}
