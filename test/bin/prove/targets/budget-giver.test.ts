import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { budgetGiverOf } from '../../../../bin/prove/targets/budget-giver.ts';
import { picoUsdFromNumber as usd, usdText } from '../../../../lambda/kernel/money.ts';
import { periodOf } from '../../../../lambda/kernel/period.ts';
import { DynamoBudgets } from '../../../../lambda/ledger/io/dynamo-budgets.ts';
import { VOID } from '../../../../lambda/ledger/reservation.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { policyWith } from '../../../support/catalog.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/embedded-ledger.ts';
import { termsOf } from '../../../support/ledger/ledger-terms.ts';
import { RealLedger } from '../../../support/ledger/real-ledger.ts';

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
  table = `giver-${tables++}`;
  await ensureTable(database.client, table);
  monthlyBudgetUsd = 200;
  actor = async () => 'ann';
});

const key = () => ({ team: 'chatbot', period: periodOf(Date.now()) });
const budgets = () => new DynamoBudgets(database.client, table, Date.now);
const limit = async () => usdText((await budgets().read(key()))?.limit ?? usd(0));
function giver() {
  const stores = { dynamo: database.client, ledgerTable: table, registryTable: table, readActor: () => actor() };
  return budgetGiverOf(stores, async () => policyWith({ monthlyBudgetUsd }));
}
const recorded = async () => {
  const { Items = [] } = await database.client.send(new ScanCommand({ TableName: table }));
  return Items.flatMap(({ details }) => details?.S ?? []);
};

describe("a team's budget in a proof", () => {
  it('is given, and taken back to what its policy gives, on record', async () => {
    await budgets().setLimit(key(), usd(200));
    const given = giver();
    await given.giveBudget('chatbot', usd(3));
    expect(await limit()).toBe('3');
    await given.takeBack('chatbot');
    expect(await limit()).toBe('200');
    expect((await recorded()).sort()).toEqual([
      '$3 made available for a proof',
      'the budget becomes $200 again, less what a proof has spent',
    ]);
  });

  it('never becomes again what a deployment has changed meanwhile', async () => {
    const given = giver();
    await given.giveBudget('chatbot', usd(3));
    monthlyBudgetUsd = 20;
    await given.takeBack('chatbot');
    expect(await limit()).toBe('20');
  });

  it('never stays moved in silence: what cannot be recorded is not done, and is told with the repair', async () => {
    const given = giver();
    await given.giveBudget('chatbot', usd(3));
    actor = async () => await Promise.reject(new Error('the token has expired'));
    await expect(given.takeBack('chatbot')).rejects.toThrow(
      /still has the budget of the proof.*the token has expired.*deploy.*groq-rbac budget show --team chatbot/,
    );
    expect(await limit()).toBe('3');
    actor = async () => 'ann';
    await given.takeBack('chatbot');
    expect(await limit()).toBe('200');
  });

  it('never is taken back before it has been given', async () => {
    const given = giver();
    const giving = given.giveBudget('chatbot', usd(3));
    await Promise.all([giving, given.takeBack('chatbot')]);
    expect(await limit()).toBe('200');
  });

  it("is never refused for want of the organisation's money that lies idle in teams", async () => {
    const ledger = new RealLedger(database.client, table, Date.now);
    const terms = termsOf('a', usd(8), { nowEpochMs: Date.now() });
    const ant = { team: 'ant', period: key().period };
    await ledger.reserve(ant, { team: usd(100), organization: usd(10) }, terms);
    await expect(giver().giveBudget('chatbot', usd(9))).rejects.toThrow('the organisation has $2 left for teams');
    await ledger.settle(ant, terms, VOID);
    await giver().giveBudget('chatbot', usd(9));
    expect(await limit()).toBe('9');
  });
});
