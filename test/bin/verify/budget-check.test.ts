import { afterAll, beforeAll, expect, it } from 'vitest';
import { budgetCheck } from '../../../bin/verify/budget-check.ts';
import { runCheck } from '../../../bin/verify/check.ts';
import { picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import { periodAt } from '../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { parseEnvironment } from '../../../lambda/policy/environment.ts';
import { catalog } from '../../support/catalog.ts';
import { startTestDatabase, type TestDatabase } from '../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

it('finds a ledger and a cap that differ from the policies', async () => {
  const period = periodAt(Date.now());
  const ledger = new DynamoBudgets(database.client, 'ledger', Date.now);
  const team = { allowedModels: ['openai/gpt-oss-20b'], monthlyBudgetUsd: 10 };
  const environment = parseEnvironment(
    'test',
    { organization: { monthlyCapUsd: 50 }, teams: { a: team, b: team } },
    catalog,
  );
  const deployment = { dynamo: database.client, ledgerTable: 'ledger' } as Parameters<typeof budgetCheck>[0];
  const check = async () => await runCheck(budgetCheck(deployment, environment));
  // A month without a call has no ledgers.
  expect(await check()).toMatchObject({ status: 'pass' });
  await ledger.setLimit({ team: 'a', period }, picoUsdFromNumber(10));
  await ledger.setCap(period, picoUsdFromNumber(50));
  expect(await check()).toMatchObject({ status: 'pass', evidence: '2 budgets and a cap of $50' });
  await ledger.setLimit({ team: 'a', period }, picoUsdFromNumber(11));
  await ledger.setCap(period, picoUsdFromNumber(60));
  expect(await check()).toMatchObject({
    status: 'fail',
    evidence: 'a: $11 instead of $10; organisation: $60 instead of $50',
  });
});
