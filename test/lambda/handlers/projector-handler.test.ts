import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoUsage } from '../../../lambda/adapters/dynamo-usage.ts';
import type { LedgerEnd } from '../../../lambda/core/usage.ts';
import { createProjector } from '../../../lambda/handlers/projector-handler.ts';
import { lambdaContext } from '../../../local/lambda-runtime.ts';
import { ensureTable } from '../../../local/tables.ts';
import { endWith, recordOf } from '../../support/call-ends.ts';
import { startTestDatabase, type TestDatabase } from '../../support/embedded-ledger.ts';
import { START_MS } from '../../support/ledger-terms.ts';

let database: TestDatabase;
let usage: DynamoUsage;
let logged: string[];
let tables = 0;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());
beforeEach(async () => {
  const table = `usage-${tables++}`;
  await ensureTable(database.client, table);
  usage = new DynamoUsage(database.client, table, () => START_MS);
  logged = [];
});

type Record = DynamoDBStreamEvent['Records'][number];
const record = (...of: Parameters<typeof recordOf>) => recordOf(...of) as unknown as Record;

async function project(records: readonly Record[], count = (ends: readonly LedgerEnd[]) => usage.count(ends)) {
  const handler = createProjector({
    usage: { count, countRefusals: (batches) => usage.countRefusals(batches) },
    log: (event, facts) => logged.push(JSON.stringify({ event, ...facts })),
  });
  return await handler({ Records: [...records] }, lambdaContext('projector', 'r', 60_000));
}
const requests = async (team = 'a') =>
  (await usage.rowsOf(team, '2026-11-01', '2026-11-30')).reduce((sum, row) => sum + row.requests, 0);
const [one, two, three] = ['one', 'two', 'three'].map((id) => endWith({ id }));
const ends = { one: one ?? endWith(), two: two ?? endWith(), three: three ?? endWith() };

describe('the projector', () => {
  it('counts every end of a batch, also many of one write and more than a transaction holds', async () => {
    const many = Array.from({ length: 230 }, (_, index) => endWith({ id: `m${index}`, model: `m${index % 90}` }));
    const result = await project([record([ends.one]), record(many.slice(0, 40)), record(many.slice(40))]);
    expect(result).toEqual({ batchItemFailures: [] });
    expect(await requests()).toBe(231);
  });

  it('counts nothing twice: the same batch, a part of it, and an end told twice in one batch', async () => {
    const batch = [record([ends.one]), record([ends.two]), record([ends.one])];
    await project(batch);
    await project(batch);
    await project([record([ends.two, ends.three])]);
    expect(await requests()).toBe(3);
  });

  it('takes no notice of writes that leave the last ends in place, of a removed ledger, and of other items', async () => {
    const pause = { dynamodb: { NewImage: { pk: { S: 'TEAM#a' }, sk: { S: 'PAUSES' }, last: { L: [] } } } };
    const organization = { dynamodb: { NewImage: { pk: { S: 'ORG' }, sk: { S: 'LEDGER#2026-11' } } } };
    const removed = { eventName: 'REMOVE', dynamodb: { OldImage: record([ends.one]).dynamodb?.NewImage } };
    const others = [pause, organization, removed] as unknown as Record[];
    const counted: LedgerEnd[][] = [];
    await project([record([ends.one], '1', [ends.one]), ...others], async (told) => counted.push([...told]));
    expect(counted).toEqual([[]]);
  });

  it('reports what it cannot read, counts all the rest, and goes on after it', async () => {
    const broken = [
      record([endWith({ id: '' })], '2'),
      record([endWith({ kind: 'refund' as never, id: 'x' })], '3'),
      record([ends.one, endWith({ id: 'y', atEpochMs: Number.NaN })], '4'),
      { dynamodb: { NewImage: { ...record([ends.one]).dynamodb?.NewImage, last: { S: '' } }, SequenceNumber: '5' } },
    ] as Record[];
    const result = await project([...broken, record([ends.two], '6')]);
    expect(result).toEqual({ batchItemFailures: ['2', '3', '4', '5'].map((itemIdentifier) => ({ itemIdentifier })) });
    expect(await requests()).toBe(1);
    expect(logged[0]).toBe('{"event":"unreadable_record","sequenceNumber":"2","why":"an end without id"}');
    await project([record([ends.three], '7')]);
    expect(await requests()).toBe(2);
  });

  it('fails as a whole when the table does, so that the batch comes again', async () => {
    const gone = new DynamoUsage(database.client, 'no-such-table', () => START_MS);
    await expect(project([record([ends.one])], (told) => gone.count(told))).rejects.toThrow('cannot count 1 ends');
    await project([record([ends.one])]);
    expect(await requests()).toBe(1);
  });

  it('is right when several count the same at once', async () => {
    const many = Array.from({ length: 60 }, (_, index) => endWith({ id: `m${index}` }));
    const batches = [many, many.slice(10), many.slice(0, 30), [...many].reverse()];
    await Promise.all(batches.map((batch) => project([record(batch)])));
    expect(await requests()).toBe(60);
  });

  it('keeps teams, days, keys and models apart, whatever they are called', async () => {
    const odd = [endWith({ model: 'm#1/x', keyId: 'k1' }), endWith({ id: 'two' }, 'b')];
    await project(odd.map((end) => record([end])));
    expect(await requests('a')).toBe(1);
    expect(await usage.rowsOf('a', '2026-11-24', '2026-11-24')).toMatchObject([{ model: 'm#1/x', keyId: 'k1' }]);
    expect(await usage.rowsOf('a', '2026-11-01', '2026-11-23')).toEqual([]);
    expect(await usage.rowsOf('a', '2026-11-25', '2026-12-01')).toEqual([]);
    expect(await requests('b')).toBe(1);
  });
});
