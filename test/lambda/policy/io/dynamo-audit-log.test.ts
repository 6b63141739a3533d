import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoAuditLog } from '../../../../lambda/policy/io/dynamo-audit-log.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

it('redacts a key that was pasted into a reason, because entries cannot be changed later', async () => {
  const audit = new DynamoAuditLog(database.client, 'registry');
  const entry = { atEpochMs: START_MS, actor: 'arn:aws:iam::1:user/ann', action: 'revoke_key', subject: 'key a' };
  const details = `leaked: grk_dev_b25f344a7818_${'x'.repeat(43)} and gsk_live1234567890 in a wiki`;
  await audit.append({ ...entry, id: '1', details });
  expect(await audit.listNewest('2026-11', 10)).toEqual([
    { ...entry, id: '1', details: 'leaked: grk_dev_b25f344a7818_… and gsk_… in a wiki' },
  ]);
});
