import { describe, expect, it } from 'vitest';
import { picoUsdFromNumber as usd } from '../../../lambda/kernel/money.ts';
import { reportBudget, reportOrganizationBudget } from '../../../lambda/ledger/budget-report.ts';
import { openLedger } from '../../../lambda/ledger/ledger.ts';
import { openOrganizationLedger } from '../../../lambda/ledger/organization-ledger.ts';
import { addTopUp } from '../../../lambda/ledger/top-ups.ts';
import { policyWith } from '../../support/catalog.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

const topUp = { id: 't', amountPicoUsd: usd(50), untilEpochMs: START_MS + 1_000 };

describe('the report of a budget', () => {
  it.each([
    ['counts a top-up until its end', START_MS + 999, '150', [{ usd: '50', until: '2026-11-24T00:00:01Z' }]],
    ['ignores an ended top-up that has not been removed yet', START_MS + 1_000, '100', []],
  ])('%s', (_what, nowEpochMs, dollars, topUps) => {
    const shown = { limit_usd: dollars, available_usd: dollars, top_ups: topUps };
    expect(reportBudget(policyWith({}), addTopUp(openLedger(usd(100)), topUp, START_MS), nowEpochMs)).toMatchObject(
      shown,
    );
    const cap = addTopUp(openOrganizationLedger(usd(100)), topUp, START_MS);
    expect(reportOrganizationBudget(usd(100), cap, [], nowEpochMs)).toMatchObject(shown);
  });
});
