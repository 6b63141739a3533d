import { picoUsd } from '../../../lambda/kernel/money.ts';
import { NO_TRACE } from '../../../lambda/ledger/call-trace.ts';
import { encodeReservationEnd } from '../../../lambda/ledger/io/reservation-end-item.ts';
import type { LedgerEnd, ReservationEnd } from '../../../lambda/ledger/reservation-end.ts';
import { START_MS } from './ledger-fixtures.ts';

/** An end in the ledger of a team in 2026-11, with overrides. */
export function buildLedgerEnd(fields: Partial<ReservationEnd> = {}, team = 'a'): LedgerEnd {
  const end: ReservationEnd = {
    kind: 'settle',
    id: 'one',
    keyId: 'k1',
    model: 'm',
    costPicoUsd: picoUsd(7n),
    maxCostPicoUsd: picoUsd(10n),
    assumed: false,
    promptTokens: 5,
    cachedTokens: 2,
    completionTokens: 3,
    reasoningTokens: 0,
    trace: NO_TRACE,
    atEpochMs: START_MS,
    ...fields,
  };
  return { ledger: { team, period: '2026-11' }, end };
}

/** A record of the ledger's stream whose write made these ends of one team. */
export function buildStreamRecord(ends: readonly LedgerEnd[], SequenceNumber = '1', before?: readonly LedgerEnd[]) {
  const key = { pk: { S: `TEAM#${ends[0]?.ledger.team}` }, sk: { S: 'LEDGER#2026-11' } };
  const image = (of: readonly LedgerEnd[]) => ({ ...key, last: { L: of.map(({ end }) => encodeReservationEnd(end)) } });
  const OldImage = before === undefined ? key : image(before);
  return { eventName: 'MODIFY', dynamodb: { Keys: key, NewImage: image(ends), OldImage, SequenceNumber } };
}
