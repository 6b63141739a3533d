import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { IdempotentRequest } from '../../../../lambda/team-keys/idempotency-store.ts';
import { DynamoIdempotencyStore } from '../../../../lambda/team-keys/io/dynamo-idempotency-store.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
let store: DynamoIdempotencyStore;
let nowEpochMs = START_MS;
let idempotentRequest: IdempotentRequest;
let count = 0;
beforeAll(async () => {
  database = await startTestDatabase('registry');
  store = new DynamoIdempotencyStore(database.client, 'registry', () => nowEpochMs);
});
afterAll(async () => await database.close());
beforeEach(() => {
  nowEpochMs = START_MS;
  idempotentRequest = {
    keyId: `k${++count}`,
    presentedKey: 'grk_test_secret',
    idempotencyKey: 'once',
    request: 'POST /keys {}',
  };
});

it('returns the stored answer to a retry of the same request with the same key, for a day', async () => {
  expect(await store.begin(idempotentRequest)).toBe('begun');
  await store.complete(idempotentRequest, '{"key":"grk_test_new"}');
  expect(await store.begin(idempotentRequest)).toEqual({ answer: '{"key":"grk_test_new"}' });
  const { Item } = await database.client.send(
    new GetItemCommand({ TableName: 'registry', Key: await primaryKey(idempotentRequest) }),
  );
  expect(Item?.expiresAtEpochS).toEqual({ N: String(START_MS / 1000 + 86_400) });
});

it('refuses a different request with the same Idempotency-Key', async () => {
  await store.begin(idempotentRequest);
  await store.complete(idempotentRequest, 'x');
  expect(await store.begin({ ...idempotentRequest, request: 'POST /keys {"a":1}' })).toBe('request_mismatch');
});

it('returns busy while the first run is in progress, and lets a retry run after its timeout', async () => {
  await store.begin(idempotentRequest);
  nowEpochMs = START_MS + 59_999;
  expect(await store.begin(idempotentRequest)).toBe('busy');
  nowEpochMs = START_MS + 60_000;
  expect(await store.begin(idempotentRequest)).toBe('begun');
});

it('starts one of several concurrent requests', async () => {
  const begun = await Promise.all(Array.from({ length: 10 }, () => store.begin(idempotentRequest)));
  expect(begun.filter((one) => one === 'begun')).toHaveLength(1);
  expect(begun.filter((one) => one === 'busy')).toHaveLength(9);
});

it('lets a refused request run again', async () => {
  await store.begin(idempotentRequest);
  await store.release(idempotentRequest);
  expect(await store.begin({ ...idempotentRequest, request: 'another' })).toBe('begun');
});

it('separates callers that use the same Idempotency-Key', async () => {
  await store.begin(idempotentRequest);
  await store.complete(idempotentRequest, 'x');
  expect(await store.begin({ ...idempotentRequest, keyId: `${idempotentRequest.keyId}b` })).toBe('begun');
});

it('stores answers that cannot be read without the caller’s own key', async () => {
  await store.begin(idempotentRequest);
  await store.complete(idempotentRequest, '{"key":"grk_test_new"}');
  const { Item } = await database.client.send(
    new GetItemCommand({ TableName: 'registry', Key: await primaryKey(idempotentRequest) }),
  );
  const stored = JSON.stringify(Item) + Buffer.from(Item?.sealed?.B ?? []).toString('latin1');
  for (const secret of ['grk_test_new', idempotentRequest.presentedKey, idempotentRequest.request])
    expect(stored).not.toContain(secret);
  await expect(store.begin({ ...idempotentRequest, presentedKey: 'grk_test_other' })).rejects.toThrow();
});

it('fails with a StoreError when the registry fails', async () => {
  const broken = new DynamoIdempotencyStore(database.client, 'no-such-table', () => START_MS);
  for (const act of [
    () => broken.begin(idempotentRequest),
    () => broken.complete(idempotentRequest, 'x'),
    () => broken.release(idempotentRequest),
  ])
    await expect(act()).rejects.toMatchObject({ name: 'StoreError', store: 'registry' });
});

async function primaryKey({ keyId, idempotencyKey }: IdempotentRequest) {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(idempotencyKey));
  return { pk: { S: `IDEMPOTENCY#${keyId}` }, sk: { S: Buffer.from(bytes).toString('hex') } };
}
