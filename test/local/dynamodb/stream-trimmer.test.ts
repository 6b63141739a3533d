import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EmbeddedDynamodb, startEmbeddedDynamodb } from '../../../local/dynamodb/embedded-dynamodb.ts';
import { StreamTrimmer } from '../../../local/dynamodb/stream-trimmer.ts';
import { createTables, localTableNames } from '../../../local/dynamodb/tables.ts';

const dir = mkdtempSync(join(tmpdir(), 'stream-trim-'));
const file = join(dir, 'dynamodb.sqlite');
const TABLE = 'test-ledger';
let database: EmbeddedDynamodb;
let client: DynamoDBClient;
beforeAll(async () => {
  database = await startEmbeddedDynamodb(file);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  client = new DynamoDBClient({ endpoint: database.endpoint, region: 'us-east-1', credentials });
  await createTables(client, localTableNames('test'));
});
afterAll(async () => {
  client.destroy();
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

const write = async (sk: string) =>
  await client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: 'TEAM#a' }, sk: { S: sk } } }));

/** Returns SQLite's query plan of a statement. */
function queryPlan(statement: string): string {
  const own = new DatabaseSync(file);
  const plan = own.prepare(`EXPLAIN QUERY PLAN ${statement}`).all();
  own.close();
  return plan.map(({ detail }) => String(detail)).join('; ');
}

it('lets the database find the newest record, and those after a record, by an index', async () => {
  await write('1');
  new StreamTrimmer(file, TABLE).close();
  // The queries of dynoxide at each write, and at each read of a stream.
  const newest = 'SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records';
  expect(queryPlan(`${newest} WHERE table_name = 'test-ledger'`)).toContain(
    'INDEX stream_records_by_number (table_name=?)',
  );
  const after = "table_name = 'test-ledger' AND shard_id = 's' AND CAST(sequence_number AS INTEGER) > 1";
  expect(
    queryPlan(
      `SELECT new_image FROM _stream_records WHERE ${after} ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 9`,
    ),
  ).toMatch(/^SEARCH _stream_records USING INDEX stream_records_by_number \(table_name=\? AND <expr>>\?\)$/);
});

it('deletes all records before one, and the numbers continue', async () => {
  for (const sk of ['2', '3', '4']) await write(sk);
  const trimmer = new StreamTrimmer(file, TABLE);
  const own = new DatabaseSync(file);
  const numbers = () =>
    own
      .prepare('SELECT CAST(sequence_number AS INTEGER) AS number FROM _stream_records ORDER BY 1')
      .all()
      .map(({ number }) => Number(number));
  const [first = 0] = numbers();
  trimmer.deleteBefore(String(first + 2));
  expect(numbers()).toEqual([first + 2, first + 3]);
  await write('5');
  expect(numbers()).toEqual([first + 2, first + 3, first + 4]);
  own.close();
  trimmer.close();
});
