import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBudgetAdjuster } from '../../../../bin/prove/targets/budget-adjuster.ts';
import { toUsdString, picoUsdFromNumber as usd } from '../../../../lambda/kernel/money.ts';
import { periodAt } from '../../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../../lambda/ledger/io/dynamo-budgets.ts';
import { VOID } from '../../../../lambda/ledger/reservation.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { policyWith } from '../../../support/catalog.ts';
import { buildReserveTerms } from '../../../support/ledger/ledger-fixtures.ts';
import { RealLedger } from '../../../support/ledger/real-ledger.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

let tables = 0;
let table: string;
let monthlyBudgetUsd: number;
let actor: () => Promise<string>;
beforeEach(async () => {
  table = `adjuster-${tables++}`;
  await ensureTable(database.client, table);
  monthlyBudgetUsd = 200;
  actor = async () => 'ann';
});

const key = () => ({ team: 'chatbot', period: periodAt(Date.now()) });
const budgets = () => new DynamoBudgets(database.client, table, Date.now);
const limit = async () => toUsdString((await budgets().read(key()))?.limitPicoUsd ?? usd(0));
function adjuster() {
  const stores = { dynamo: database.client, ledgerTable: table, registryTable: table, readActor: () => actor() };
  return createBudgetAdjuster(stores, async () => policyWith({ monthlyBudgetUsd }));
}
const readAuditDetails = async () => {
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: table }));
  return Items.flatMap(({ details }) => details?.S ?? []);
};

describe("a team's budget in a proof", () => {
  it('is set for the proof and restored to its policy, with audit entries', async () => {
    await budgets().setLimit(key(), usd(200));
    const adjusting = adjuster();
    await adjusting.setAvailable('chatbot', usd(3));
    expect(await limit()).toBe('3');
    await adjusting.restoreBudget('chatbot');
    expect(await limit()).toBe('200');
    expect((await readAuditDetails()).sort()).toEqual([
      '$3 made available for a proof',
      'the budget becomes $200 again, less what a proof has spent',
    ]);
  });

  it('is restored to the policy of a later deployment', async () => {
    const adjusting = adjuster();
    await adjusting.setAvailable('chatbot', usd(3));
    monthlyBudgetUsd = 20;
    await adjusting.restoreBudget('chatbot');
    expect(await limit()).toBe('20');
  });

  it('is not restored without an audit entry, and the error says how to repair it', async () => {
    const adjusting = adjuster();
    await adjusting.setAvailable('chatbot', usd(3));
    actor = async () => await Promise.reject(new Error('the token has expired'));
    await expect(adjusting.restoreBudget('chatbot')).rejects.toThrow(
      /still has the budget of the proof.*the token has expired.*deploy.*groq-rbac budget show --team chatbot/,
    );
    expect(await limit()).toBe('3');
    actor = async () => 'ann';
    await adjusting.restoreBudget('chatbot');
    expect(await limit()).toBe('200');
  });

  it('is never restored before it has been set', async () => {
    const adjusting = adjuster();
    const setting = adjusting.setAvailable('chatbot', usd(3));
    await Promise.all([setting, adjusting.restoreBudget('chatbot')]);
    expect(await limit()).toBe('200');
  });

  it("counts idle leases of other teams as the organisation's available money", async () => {
    const ledger = new RealLedger(database.client, table, Date.now);
    const terms = buildReserveTerms('a', usd(8), { nowEpochMs: Date.now() });
    const ant = { team: 'ant', period: key().period };
    await ledger.reserve(ant, { team: usd(100), organization: usd(10) }, terms);
    await expect(adjuster().setAvailable('chatbot', usd(9))).rejects.toThrow('the organisation has $2 left for teams');
    await ledger.settle(ant, terms, VOID);
    await adjuster().setAvailable('chatbot', usd(9));
    expect(await limit()).toBe('9');
  });
});
