import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../contract.ts';
import type { LedgerState, LedgerView, Reservation } from '../core/ledger.ts';
import { type PicoUsd, picoUsd, ZERO_USD } from '../core/money.ts';
import type { OrganizationLedger } from '../core/organization-ledger.ts';
import type { LedgerKey } from '../core/ports.ts';

/** An item, or part of one, as DynamoDB's client has it. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The key of a team's ledger for a period. */
export function ledgerItemKey({ team, period }: LedgerKey): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: `TEAM#${team}` }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Reads a ledger's totals; what an item lacks is zero, since items only ever gain attributes. */
export function ledgerViewOf(item: Item): LedgerView {
  return {
    limit: money(item.limit),
    available: money(item.available),
    reserved: money(item.reserved),
    spent: money(item.spent),
    leased: money(item.leased),
    assumed: money(item.assumed),
    overrun: money(item.overrun),
    rpmTatUs: Number(item.rpmTat?.N ?? 0),
    tpmTatUs: Number(item.tpmTat?.N ?? 0),
  };
}

/** Reads a whole ledger item. */
export function ledgerStateOf(item: Item): LedgerState {
  return {
    ...ledgerViewOf(item),
    open: reservationsOf(item.open),
    lapsed: reservationsOf(item.lapsed),
    paused: item.paused?.S,
  };
}

/** Writes a reservation as an entry of the `open` map; short names, since each entry rides on every write. */
export function reservationValue(reservation: Reservation): AttributeValue {
  return {
    M: {
      cost: { N: String(reservation.costPicoUsd) },
      tokens: { N: String(reservation.tokens) },
      model: { S: reservation.model },
      key: { S: reservation.keyId },
      expiresAtMs: { N: String(reservation.expiresAtEpochMs) },
    },
  };
}

/** The key of the organisation's ledger for a period. */
export function organizationItemKey(period: string): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: 'ORG' }, [SORT_KEY]: { S: `LEDGER#${period}` } };
}

/** Reads the organisation's ledger. */
export function organizationLedgerOf(item: Item): OrganizationLedger {
  return {
    limit: money(item.limit),
    available: money(item.available),
    granted: money(item.granted),
    holders: new Set(item.holders?.SS ?? []),
  };
}

function reservationsOf(value: AttributeValue | undefined): ReadonlyMap<string, Reservation> {
  const entries = Object.entries(value?.M ?? {});
  return new Map(entries.map(([id, entry]) => [id, reservationOf(id, entry.M ?? {})]));
}

function reservationOf(id: string, entry: Item): Reservation {
  return {
    id,
    costPicoUsd: money(entry.cost),
    tokens: Number(entry.tokens?.N ?? 0),
    model: entry.model?.S ?? '',
    keyId: entry.key?.S ?? '',
    expiresAtEpochMs: Number(entry.expiresAtMs?.N ?? 0),
  };
}

function money(value: AttributeValue | undefined): PicoUsd {
  return value?.N === undefined ? ZERO_USD : picoUsd(BigInt(value.N));
}
