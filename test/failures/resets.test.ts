import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { picoUsdFromNumber, ZERO_USD } from '../../lambda/kernel/money.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import {
  CALL_COST_PICO_USD,
  HostedGateways,
  type HostedOptions,
  usdForCalls,
} from '../support/gateway/hosted-gateways.ts';
import { budgets, buildReserveTerms } from '../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
let hosted: HostedGateways;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterEach(async () => await hosted.close());
afterAll(async () => await database.close());

const start = async (teams: HostedOptions['teams'], more: Omit<HostedOptions, 'teams'> = {}) => {
  hosted = await HostedGateways.start(database, { teams, ...more });
};
const DECEMBER = Date.UTC(2026, 11, 1);
const BUDGET = picoUsdFromNumber(usdForCalls(3));

it('never carries a spent budget into the next month, and never resets it earlier', async () => {
  await start({ a: { monthlyBudgetUsd: usdForCalls(3) } });
  hosted.setNow(DECEMBER - 60_000);
  const sent = [];
  while (sent.at(-1) !== 402) sent.push((await hosted.chat('a')).status);
  expect(sent).toContain(200);
  hosted.setNow(DECEMBER - 2_000);
  const refused = await hosted.chat('a');
  expect([refused.status, refused.headers.get('x-budget-reset')]).toEqual([402, '2026-12-01T00:00:00Z']);
  const november = await hosted.stateOf('a');

  hosted.setNow(DECEMBER);
  expect((await hosted.chat('a')).status).toBe(200);
  // The whole budget, less the cost of December's own call.
  expect(await hosted.stateOf('a')).toMatchObject({
    limitPicoUsd: BUDGET,
    spentPicoUsd: CALL_COST_PICO_USD,
    availablePicoUsd: BUDGET - CALL_COST_PICO_USD,
    reservedPicoUsd: 0n,
  });
  expect(await hosted.stateOf('a', '2026-11')).toEqual(november);
});

it('never settles a call in another month than the one of its reservation', async () => {
  await start({ a: {} }, { fake: { latencyMs: 300 } });
  hosted.setNow(DECEMBER - 60_000);
  const [whole, streamed] = [hosted.chat('a'), hosted.chat('a', { stream: true })];
  await hosted.waitForInFlight(2);
  hosted.setNow(DECEMBER);
  expect([(await whole).status, (await streamed).status]).toEqual([200, 200]);
  expect(await hosted.stateOf('a', '2026-11')).toMatchObject({
    reservedPicoUsd: 0n,
    spentPicoUsd: 2n * CALL_COST_PICO_USD,
    assumedPicoUsd: 0n,
  });
  expect(await hosted.stateOf('a', '2026-12')).toBeUndefined();
});

it('never gives the first concurrent calls of a new month a budget each', async () => {
  await start({ a: { monthlyBudgetUsd: usdForCalls(3) } }, { fake: { latencyMs: 50 }, replicas: 3 });
  hosted.setNow(DECEMBER);
  await Promise.all(Array.from({ length: 45 }, async (_, replica) => await hosted.chat('a', {}, { replica })));
  expect(hosted.billed()).toBeGreaterThan(ZERO_USD);
  expect(hosted.billed()).toBeLessThanOrEqual(BUDGET);
  expect(await hosted.waitUntilSettled('a')).toMatchObject({ limitPicoUsd: BUDGET, spentPicoUsd: hosted.billed() });
});

it('never reopens a month that another gateway opened in the meantime', async () => {
  await start({ a: {} });
  const key = { team: 'a', period: '2026-12' };
  const limits = budgets(1_000n);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let opening = 0;
  database.client.middlewareStack.add(
    (next) => async (args) => {
      const { ConditionExpression = '' } = args.input as { ConditionExpression?: string };
      // The first gateway pauses just before it opens the month.
      if (ConditionExpression.startsWith('attribute_not_exists(#limit)') && opening++ === 0) await released;
      return await next(args);
    },
    { step: 'initialize', name: 'hold' },
  );
  try {
    const [late, quick] = [0, 1].map(() => new DynamoLedger(database.client, hosted.table, hosted.now));
    const second = late?.reserve(key, limits, buildReserveTerms('second', 600n));
    await vi.waitFor(() => expect(opening).toBe(1));
    expect(await quick?.reserve(key, limits, buildReserveTerms('first', 600n))).toMatchObject({ kind: 'reserved' });
    release();
    expect(await second).toMatchObject({ kind: 'refused', refused: { reason: 'team_budget_exceeded' } });
    expect(await hosted.stateOf('a', '2026-12')).toMatchObject({ reservedPicoUsd: 600n, availablePicoUsd: 400n });
  } finally {
    database.client.middlewareStack.remove('hold');
  }
});

it("never resets spent or reserved money when any team's budget is edited", async () => {
  await start({ a: { monthlyBudgetUsd: usdForCalls(3) }, b: {} });
  for (const team of ['a', 'b']) expect((await hosted.chat(team)).status).toBe(200);
  const hanging = hosted.chat('a', {}, { content: '[fault:hang]' });
  await hosted.waitForInFlight(1);
  const [a, b] = [await hosted.stateOf('a'), await hosted.stateOf('b')];
  const held = a?.reservedPicoUsd ?? ZERO_USD;
  const key = { team: 'a', period: new Date(hosted.now()).toISOString().slice(0, 7) };
  for (const calls of [30, 0, 3]) {
    const limitPicoUsd = picoUsdFromNumber(usdForCalls(calls));
    await hosted.ledger.setLimit(key, limitPicoUsd);
    expect(await hosted.stateOf('a')).toMatchObject({
      limitPicoUsd,
      spentPicoUsd: CALL_COST_PICO_USD,
      reservedPicoUsd: held,
      availablePicoUsd: limitPicoUsd - CALL_COST_PICO_USD - held,
    });
  }
  // With the original budget, the ledger is as before, and the other team's is unchanged.
  expect(await hosted.stateOf('a')).toEqual(a);
  expect(await hosted.stateOf('b')).toEqual(b);
  await hosted.fake.close();
  await hanging;
});
