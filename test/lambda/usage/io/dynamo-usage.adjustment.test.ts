import { afterAll, beforeAll, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { DynamoUsage } from '../../../../lambda/usage/io/dynamo-usage.ts';
import { buildAdjustment } from '../../../../lambda/usage/usage-adjustment.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
let usage: DynamoUsage;
beforeAll(async () => {
  database = await startTestDatabase();
  await ensureTable(database.client, 'adjusted');
  usage = new DynamoUsage(database.client, 'adjusted', () => START_MS);
});
afterAll(async () => await database.close());

const KEY = { team: 'a', period: '2026-10' };
const gap = (spent: bigint) => ({ ...KEY, spentPicoUsd: picoUsd(spent), assumedPicoUsd: picoUsd(2n), isExact: true });
const costByDay = async () =>
  (await usage.listRows('a', '2026-10-01', '2026-11-30')).map((row) => [row.day, row.costPicoUsd]);

it('is made once by concurrent callers, on a day of the charged month', async () => {
  const earlier = await usage.countAdjustments(KEY);
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => usage.adjust(buildAdjustment(gap(9n), earlier, START_MS)).catch(() => false)),
  );
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect(await costByDay()).toEqual([['2026-10-31', 9n]]);
  expect(await usage.adjust(buildAdjustment(gap(9n), earlier, START_MS))).toBe(false);
});

it('can be followed by one with the next sequence number, which may be negative', async () => {
  expect(await usage.countAdjustments(KEY)).toBe(1);
  expect(await usage.adjust(buildAdjustment(gap(-9n), 1, START_MS))).toBe(true);
  expect(await costByDay()).toEqual([['2026-10-31', 0n]]);
  expect(await usage.countAdjustments({ ...KEY, period: '2026-11' })).toBe(0);
});
