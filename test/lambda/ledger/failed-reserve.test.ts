import { expect, it } from 'vitest';
import { picoUsd } from '../../../lambda/kernel/money.ts';
import { explainFailedReserve } from '../../../lambda/ledger/failed-reserve.ts';
import { endLease, lease, openLedger } from '../../../lambda/ledger/ledger.ts';
import type { LedgerState } from '../../../lambda/ledger/reservation.ts';
import { addTopUp } from '../../../lambda/ledger/top-ups.ts';
import { buildReserveTerms, START_MS } from '../../support/ledger/ledger-fixtures.ts';

const ledger = openLedger(picoUsd(1_000n));
const leased = lease(ledger, picoUsd(500n));
const terms = buildReserveTerms('a', 300n);
const key = { id: 'k', limitPicoUsd: undefined, rpmCostUs: 0, tpmCostUs: 0 };
const topUp = { id: 't', amountPicoUsd: picoUsd(1n), untilEpochMs: START_MS };

it.each<[string, LedgerState, typeof terms, object]>([
  ['an ended top-up', addTopUp(leased, topUp, START_MS - 1), terms, { kind: 'top-ups ended' }],
  ['a key without a share', leased, { ...terms, key }, { kind: 'key not open', key }],
  [
    'a reservation that is open already',
    { ...leased, open: new Map([['a', terms.reservation]]) },
    terms,
    { kind: 'already reserved' },
  ],
  ['a wrong guess of a bucket', leased, terms, { kind: 'stale guess' }],
  ['an expired lease', endLease(leased, START_MS), terms, { kind: 'lease expired' }],
  ['too small a lease', ledger, terms, { kind: 'lease short', shortfallPicoUsd: 300n }],
  [
    'too small a budget',
    lease(openLedger(picoUsd(299n)), picoUsd(299n)),
    terms,
    { kind: 'refused', refused: { reason: 'team_budget_exceeded', reservedPicoUsd: 0n, reclaimablePicoUsd: 0n } },
  ],
])('explains a failed reserve by %s', (_what, state, reserveTerms, expected) => {
  expect(explainFailedReserve(state, reserveTerms)).toEqual(expected);
});
