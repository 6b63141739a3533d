import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoReportedDifferences } from '../../../../lambda/groq-keys/io/reported-differences.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

it('keeps the ids of the last comparison', async () => {
  const reported = new DynamoReportedDifferences(database.client, 'registry');
  expect(await reported.read()).toEqual([]);
  await reported.replace(['lab/x listed no', 'lab/y active false']);
  expect(await reported.read()).toEqual(['lab/x listed no', 'lab/y active false']);
  await reported.replace([]);
  expect(await reported.read()).toEqual([]);
});
