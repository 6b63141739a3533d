import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Once } from '../../../../lambda/team-keys/idempotency-store.ts';
import { DynamoIdempotency } from '../../../../lambda/team-keys/io/idempotency.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/embedded-ledger.ts';
import { START_MS } from '../../../support/ledger/ledger-terms.ts';

let database: TestDatabase;
let store: DynamoIdempotency;
let nowEpochMs = START_MS;
let told: Once;
let count = 0;
beforeAll(async () => {
  database = await startTestDatabase('registry');
  store = new DynamoIdempotency(database.client, 'registry', () => nowEpochMs);
});
afterAll(async () => await database.close());
beforeEach(() => {
  nowEpochMs = START_MS;
  told = { keyId: `k${++count}`, presentedKey: 'grk_test_secret', idempotencyKey: 'once', request: 'POST /keys {}' };
});

it('gives the same answer again, for a day, to the same request by the same key', async () => {
  expect(await store.begin(told)).toBe('begun');
  await store.end(told, '{"key":"grk_test_new"}');
  expect(await store.begin(told)).toEqual({ answer: '{"key":"grk_test_new"}' });
  const { Item } = await database.client.send(new GetItemCommand({ TableName: 'registry', Key: await keyOf(told) }));
  expect(Item?.expiresAtEpochS).toEqual({ N: String(START_MS / 1000 + 86_400) });
});

it('takes another request by the same word for a mistake', async () => {
  await store.begin(told);
  await store.end(told, 'x');
  expect(await store.begin({ ...told, request: 'POST /keys {"a":1}' })).toBe('other request');
});

it('says busy while the first is under way, and lets it begin again when it has died', async () => {
  await store.begin(told);
  nowEpochMs = START_MS + 59_999;
  expect(await store.begin(told)).toBe('busy');
  nowEpochMs = START_MS + 60_000;
  expect(await store.begin(told)).toBe('begun');
});

it('lets one of many begin that come at once', async () => {
  const begun = await Promise.all(Array.from({ length: 10 }, () => store.begin(told)));
  expect(begun.filter((one) => one === 'begun')).toHaveLength(1);
  expect(begun.filter((one) => one === 'busy')).toHaveLength(9);
});

it('lets a refused one begin again', async () => {
  await store.begin(told);
  await store.forget(told);
  expect(await store.begin({ ...told, request: 'another' })).toBe('begun');
});

it('knows callers apart that use the same word', async () => {
  await store.begin(told);
  await store.end(told, 'x');
  expect(await store.begin({ ...told, keyId: `${told.keyId}b` })).toBe('begun');
});

it('stores no answer that could be read without the caller’s own key', async () => {
  await store.begin(told);
  await store.end(told, '{"key":"grk_test_new"}');
  const { Item } = await database.client.send(new GetItemCommand({ TableName: 'registry', Key: await keyOf(told) }));
  const stored = JSON.stringify(Item) + Buffer.from(Item?.sealed?.B ?? []).toString('latin1');
  for (const secret of ['grk_test_new', told.presentedKey, told.request]) expect(stored).not.toContain(secret);
  await expect(store.begin({ ...told, presentedKey: 'grk_test_other' })).rejects.toThrow();
});

it('fails as the registry does', async () => {
  const broken = new DynamoIdempotency(database.client, 'no-such-table', () => START_MS);
  for (const act of [() => broken.begin(told), () => broken.end(told, 'x'), () => broken.forget(told)])
    await expect(act()).rejects.toMatchObject({ name: 'StoreError', store: 'registry' });
});

async function keyOf({ keyId, idempotencyKey }: Once) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(idempotencyKey));
  return { pk: { S: `IDEMPOTENCY#${keyId}` }, sk: { S: Buffer.from(bytes).toString('hex') } };
}
