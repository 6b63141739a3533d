import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CallResult } from '../../../bench/rotation/load-generator.ts';
import { RotationTestbed } from '../../../bench/rotation/rotation-testbed.ts';
import { newTestKey, type TestKey } from '../../../bench/rotation/simulated-secret.ts';

/** The minimum length of a fragment of a key's secret part that counts as a leak. */
const FRAGMENT_LENGTH = 8;
const TABLES = ['ledger', 'registry', 'usage'];

let testbed: RotationTestbed;
beforeAll(async () => {
  testbed = await RotationTestbed.open({ processes: 2, canaryMinutes: 2, isClockControlled: true });
});
afterAll(async () => await testbed.close());

/** Returns every fragment of that length. */
function splitIntoPieces({ apiKey }: TestKey): readonly string[] {
  const secret = apiKey.replace(/^gsk_/, '');
  return Array.from({ length: secret.length - FRAGMENT_LENGTH + 1 }, (_, start) =>
    secret.slice(start, start + FRAGMENT_LENGTH),
  );
}

/** Returns the content of all tables. */
async function readTablesText(): Promise<string> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: testbed.database.endpoint, region: 'us-east-1', credentials });
  const items: unknown[] = [];
  for (const table of TABLES)
    for await (const page of paginateScan({ client }, { TableName: `rotation-${table}` }))
      items.push(...(page.Items ?? []));
  client.destroy();
  return JSON.stringify(items);
}

it('never writes a fragment of a Groq key into a log, item, response, header or file', async () => {
  const { secret, fake } = testbed;
  const [old, next, staged, plain] = [newTestKey(), newTestKey(), newTestKey(), newTestKey()];
  const answers: string[] = [];
  const codes = new Set<string>();
  const load = testbed.load(({ status, headers, text }: CallResult) => {
    answers.push(JSON.stringify(headers), text);
    codes.add(status === 200 ? 'answered' : (/"code":"(\w+)"/.exec(text)?.[1] ?? String(status)));
  });
  load.start({ callersAtOnce: 6 });
  // No key, then a first one, then a rotation to a key that is refused.
  await load.waitForCalls(10);
  secret.set(old);
  for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);
  await testbed.rotate(next);
  secret.stage(staged, testbed.nowEpochMs());
  fake.keys.revoke(next.keyId);
  for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);
  // Only the staged key works, then none does.
  fake.keys.revoke(old.keyId);
  await testbed.advanceMinute(load);
  fake.keys.revoke(staged.keyId);
  await testbed.advanceMinute(load);
  // A key as plain text instead of JSON, with no other key that works.
  testbed.secrets.handle('PutSecretValue', { SecretId: 'groq/rotated-rotation-gateway', SecretString: plain.apiKey });
  await testbed.advanceMinute(load);
  await load.stop();

  expect(codes).toEqual(new Set(['answered', 'groq_key_missing', 'groq_key_rejected']));
  for (const event of ['missing', 'refused', 'fallback_previous', 'fallback_staged', 'stale'])
    expect(testbed.findLogEvents(`groq_key_${event}`), event).not.toEqual([]);
  // The calls' items have the ids of their keys. Wait until the projector has counted them.
  const isCounted = async () => /GROQKEY#/.test(await readTablesText());
  await expect.poll(isCounted, { timeout: 20_000 }).toBe(true);
  // The database's files, the processes' own and the reports.
  const files = globSync('**/*', { cwd: testbed.dir, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  expect(files.length).toBeGreaterThan(1);
  const written: Readonly<Record<string, string>> = {
    'standard output': testbed.gateways.map((gateway) => gateway.stdout()).join('\n'),
    'standard error': testbed.gateways.map((gateway) => gateway.stderr()).join('\n'),
    tables: await readTablesText(),
    answers: answers.join('\n'),
    files: files.join('\n'),
    'the controls of the fake': await (await fetch(`${fake.baseUrl}/_fake/keys`)).text(),
  };
  for (const [place, text] of Object.entries(written)) {
    expect(text.length, place).toBeGreaterThan(100);
    const leaked = [old, next, staged, plain].flatMap(splitIntoPieces).filter((piece) => text.includes(piece));
    expect(leaked, place).toEqual([]);
    expect(text, place).not.toContain('gsk_');
  }
}, 120_000);
