import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GroqKeyRepository } from '../../../../lambda/groq-keys/groq-key-record.ts';
import { DynamoGroqKeyRepository } from '../../../../lambda/groq-keys/io/groq-key-repository.ts';
import { MemoryGroqKeyRepository } from '../../../support/keys/memory-groq-key-repository.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

it.each<[string, () => GroqKeyRepository]>([
  ['in memory', () => new MemoryGroqKeyRepository()],
  ['in DynamoDB', () => new DynamoGroqKeyRepository(database.client, 'registry')],
])('stores and removes facts of keys %s', async (_where, open) => {
  const records = open();
  expect(await records.read('chatbot', 'aaaaaaaaaaaa')).toBeUndefined();
  await records.setIfAbsent('chatbot', 'aaaaaaaaaaaa', { name: 'chatbot-prod', stagedAtEpochMs: 1 });
  await records.setIfAbsent('chatbot', 'aaaaaaaaaaaa', { name: 'another', createdAtEpochMs: 2 });
  await records.update('chatbot', 'aaaaaaaaaaaa', { createdAtEpochMs: 3, stagedAtEpochMs: null, replacedBy: null });
  await records.countProbe('chatbot', 'aaaaaaaaaaaa', true, 4);
  await records.countProbe('chatbot', 'aaaaaaaaaaaa', false, 5);
  const known = {
    team: 'chatbot',
    keyId: 'aaaaaaaaaaaa',
    name: 'chatbot-prod',
    createdAtEpochMs: 3,
    probes: 2,
    probesRefused: 1,
    probedAtEpochMs: 5,
  };
  expect(await records.read('chatbot', 'aaaaaaaaaaaa')).toEqual(known);
  await records.update('chatbot', 'bbbbbbbbbbbb', { name: 'next' });
  await records.update('chatbot-2', 'cccccccccccc', { name: 'of another team' });
  const making = { name: 'chatbot-prod-2026-11', atEpochMs: 6 };
  expect(await records.beginKeyCreation('chatbot', 'token', making.name, 6)).toEqual({ ...making, isRetry: false });
  expect(await records.beginKeyCreation('chatbot', 'token', 'other', 7)).toEqual({ ...making, isRetry: true });
  expect(await records.list('chatbot')).toEqual([
    known,
    { team: 'chatbot', keyId: 'bbbbbbbbbbbb', name: 'next', probes: 0, probesRefused: 0 },
  ]);
});
