import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoKeyStore } from '../../../../lambda/access/io/dynamo-key-store.ts';
import type { KeyRecord } from '../../../../lambda/access/key-record.ts';
import { DynamoKeyRepository } from '../../../../lambda/team-keys/io/key-repository.ts';
import type { KeyRepository } from '../../../../lambda/team-keys/key-ports.ts';
import { MemoryKeyRepository } from '../../../support/keys/memory-key-repository.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());
const inDynamo = () => new DynamoKeyRepository(database.client, 'registry', 'test', () => START_MS);

describe.each<[string, () => KeyRepository]>([
  ['in memory', () => new MemoryKeyRepository()],
  ['in DynamoDB', inDynamo],
])('a key repository %s', (what, open) => {
  const full = (keyId: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
    keyId,
    role: 'member',
    team: `ant ${what}`,
    name: 'ant-test',
    scope: { models: ['m'], endpoints: ['chat'], rpm: 1, tpm: 2, usd: 0.5, line: 'x' },
    createdAtEpochMs: START_MS,
    createdBy: 'arn:aws:iam::1:user/x',
    expiresAtEpochMs: START_MS + 1,
    ...more,
  });
  const stored = async (repository: KeyRepository, more: Partial<KeyRecord> = {}) => {
    const { key, keyId } = repository.mint();
    await repository.put(key, full(keyId, more));
    return keyId;
  };

  it('stores a whole record, and returns it by id and by team', async () => {
    const repository = open();
    const keyId = await stored(repository);
    expect(await repository.read(keyId)).toEqual(full(keyId));
    expect(await repository.list(`ant ${what}`)).toEqual([full(keyId)]);
    expect(await repository.list('nobody')).toEqual([]);
    expect(await repository.read('nothinghere0')).toBeUndefined();
  });

  it('revokes a key once, and creates nothing for an unknown id', async () => {
    const repository = open();
    const keyId = await stored(repository);
    await repository.revoke(keyId);
    await repository.revoke(keyId);
    expect(await repository.read(keyId)).toMatchObject({ revokedAtEpochMs: START_MS });
    await repository.revoke('nothinghere0');
    expect(await repository.read('nothinghere0')).toBeUndefined();
  });

  it('replaces an active key by one other key only', async () => {
    const repository = open();
    const keyId = await stored(repository);
    expect(await repository.replace(keyId, 'successor001', START_MS + 5)).toBe(true);
    expect(await repository.replace(keyId, 'successor002', START_MS + 6)).toBe(false);
    expect(await repository.read(keyId)).toMatchObject({ rotatedTo: 'successor001', retireAfterEpochMs: START_MS + 5 });
    const revoked = await stored(repository);
    await repository.revoke(revoked);
    expect(await repository.replace(revoked, 'successor001', START_MS)).toBe(false);
    expect(await repository.replace('nothinghere0', 'successor001', START_MS)).toBe(false);
  });
});

it('creates keys with 256 random bits that the authorizer accepts, and never returns their hash', async () => {
  const repository = inDynamo();
  const { key, keyId } = repository.mint();
  expect(key).toMatch(/^grk_test_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  const keys = new DynamoKeyStore(database.client, 'registry', () => START_MS);
  expect(await keys.identify(key)).toBeUndefined();
  await repository.put(key, { keyId, role: 'admin', name: 'x', createdAtEpochMs: START_MS });
  expect(await keys.identify(key)).toEqual({ keyId, role: 'admin' });
  expect(JSON.stringify(await repository.read(keyId))).not.toContain('hash');
});
