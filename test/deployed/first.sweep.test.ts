import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { picoUsd } from '../../lambda/kernel/money.ts';
import { periodAt } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import { requireDeployed } from '../support/gateway/target.ts';
import { budgets, buildReserveTerms } from '../support/ledger/ledger-fixtures.ts';
import { invokeFunction } from '../support/stack/deployed-function.ts';

const target = requireDeployed();

it('runs the deployed retirement of keys', async () => {
  expect(await invokeFunction('RetirementFunction')).toMatchObject({ status: 200, error: null });
});

it('runs the deployed reconciliation of usage with the ledgers', async () => {
  // It waits half a minute for idle ledgers, and repeatedly while other tests spend.
  expect(await invokeFunction('ReconcilerFunction')).toMatchObject({ status: 200, error: null });
}, 300_000);

it('expires an abandoned reservation by the deployed sweep', async () => {
  const ledger = new DynamoLedger(new DynamoDBClient({}), target.ledgerTable, Date.now);
  const key = { team: 'leaving', period: periodAt(Date.now()) };
  const cost = 1_000_000n;
  const nowEpochMs = Date.now();
  const terms = buildReserveTerms('abandoned', cost, { nowEpochMs, expiresAtEpochMs: nowEpochMs - 1 });
  await ledger.reserve(key, budgets(picoUsd(10n ** 14n), 5n * 10n ** 14n), terms);
  const before = await ledger.read(key);
  expect(await invokeFunction('SweeperFunction')).toMatchObject({ status: 200, error: null });
  const after = await ledger.read(key);
  expect((after?.assumedPicoUsd ?? 0n) - (before?.assumedPicoUsd ?? 0n)).toBe(cost);
  expect((before?.reservedPicoUsd ?? 0n) - (after?.reservedPicoUsd ?? 0n)).toBe(cost);
});
