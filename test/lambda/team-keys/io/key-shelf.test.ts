import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TeamKeys } from '../../../../lambda/access/io/team-keys.ts';
import type { KeyRecord } from '../../../../lambda/access/key-record.ts';
import { DynamoKeyShelf } from '../../../../lambda/team-keys/io/key-shelf.ts';
import type { KeyShelf } from '../../../../lambda/team-keys/key-operations.ts';
import { MemoryShelf } from '../../../support/keys/memory-keys.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/embedded-ledger.ts';
import { START_MS } from '../../../support/ledger/ledger-terms.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());
const inDynamo = () => new DynamoKeyShelf(database.client, 'registry', 'test', () => START_MS);

describe.each<[string, () => KeyShelf]>([
  ['in memory', () => new MemoryShelf()],
  ['in DynamoDB', inDynamo],
])('a shelf of keys %s', (what, open) => {
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
  const stored = async (shelf: KeyShelf, more: Partial<KeyRecord> = {}) => {
    const { key, keyId } = shelf.mint();
    await shelf.put(key, full(keyId, more));
    return keyId;
  };

  it('keeps all of a record, and gives it back one by one and by team', async () => {
    const shelf = open();
    const keyId = await stored(shelf);
    expect(await shelf.read(keyId)).toEqual(full(keyId));
    expect(await shelf.list(`ant ${what}`)).toEqual([full(keyId)]);
    expect(await shelf.list('nobody')).toEqual([]);
    expect(await shelf.read('nothinghere0')).toBeUndefined();
  });

  it('revokes once, and brings nothing into being by it', async () => {
    const shelf = open();
    const keyId = await stored(shelf);
    await shelf.revoke(keyId);
    await shelf.revoke(keyId);
    expect(await shelf.read(keyId)).toMatchObject({ revokedAtEpochMs: START_MS });
    await shelf.revoke('nothinghere0');
    expect(await shelf.read('nothinghere0')).toBeUndefined();
  });

  it('lets one take the place of a key, which stands, and no other', async () => {
    const shelf = open();
    const keyId = await stored(shelf);
    expect(await shelf.replace(keyId, 'successor001', START_MS + 5)).toBe(true);
    expect(await shelf.replace(keyId, 'successor002', START_MS + 6)).toBe(false);
    expect(await shelf.read(keyId)).toMatchObject({ rotatedTo: 'successor001', retireAfterEpochMs: START_MS + 5 });
    const revoked = await stored(shelf);
    await shelf.revoke(revoked);
    expect(await shelf.replace(revoked, 'successor001', START_MS)).toBe(false);
    expect(await shelf.replace('nothinghere0', 'successor001', START_MS)).toBe(false);
  });
});

it('makes keys that the authorizer knows, with 256 random bits, of which it shows nobody the hash', async () => {
  const shelf = inDynamo();
  const { key, keyId } = shelf.mint();
  expect(key).toMatch(/^grk_test_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  const keys = new TeamKeys(database.client, 'registry', () => START_MS);
  expect(await keys.identify(key)).toBeUndefined();
  await shelf.put(key, { keyId, role: 'admin', name: 'x', createdAtEpochMs: START_MS });
  expect(await keys.identify(key)).toEqual({ keyId, role: 'admin' });
  expect(JSON.stringify(await shelf.read(keyId))).not.toContain('hash');
});
