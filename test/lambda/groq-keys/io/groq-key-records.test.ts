import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GroqKeyRecords } from '../../../../lambda/groq-keys/groq-key-record.ts';
import { DynamoGroqKeyRecords } from '../../../../lambda/groq-keys/io/groq-key-records.ts';
import { MemoryGroqKeyRecords } from '../../../support/keys/memory-groq-keys.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/embedded-ledger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('registry');
});
afterAll(async () => await database.close());

it.each<[string, () => GroqKeyRecords]>([
  ['in memory', () => new MemoryGroqKeyRecords()],
  ['in DynamoDB', () => new DynamoGroqKeyRecords(database.client, 'registry')],
])('remembers and forgets facts of keys %s', async (_where, open) => {
  const records = open();
  expect(await records.read('chatbot', 'aaaaaaaaaaaa')).toBeUndefined();
  await records.noteOnce('chatbot', 'aaaaaaaaaaaa', { name: 'chatbot-prod', stagedAtEpochMs: 1 });
  await records.noteOnce('chatbot', 'aaaaaaaaaaaa', { name: 'another', createdAtEpochMs: 2 });
  await records.note('chatbot', 'aaaaaaaaaaaa', { createdAtEpochMs: 3, stagedAtEpochMs: null, replacedBy: null });
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
  await records.note('chatbot', 'bbbbbbbbbbbb', { name: 'next' });
  await records.note('chatbot-2', 'cccccccccccc', { name: 'of another team' });
  const making = { name: 'chatbot-prod-2026-11', atEpochMs: 6 };
  expect(await records.beginMaking('chatbot', 'token', making.name, 6)).toEqual({ ...making, isAgain: false });
  expect(await records.beginMaking('chatbot', 'token', 'other', 7)).toEqual({ ...making, isAgain: true });
  expect(await records.list('chatbot')).toEqual([
    known,
    { team: 'chatbot', keyId: 'bbbbbbbbbbbb', name: 'next', probes: 0, probesRefused: 0 },
  ]);
});
