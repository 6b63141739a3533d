import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetSnapshot } from '../../../../lambda/ledger/budget-snapshot.ts';
import type { LedgerEnd } from '../../../../lambda/ledger/reservation-end.ts';
import { DynamoUsage } from '../../../../lambda/usage/io/dynamo-usage.ts';
import { createProjectorHandler } from '../../../../lambda/usage/io/projector-handler.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd, buildStreamRecord } from '../../../support/ledger/reservation-ends.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
let usage: DynamoUsage;
let logged: string[];
let snapshots: BudgetSnapshot[];
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
  snapshots = [];
});

type Record = DynamoDBStreamEvent['Records'][number];
const record = (...args: Parameters<typeof buildStreamRecord>) => buildStreamRecord(...args) as unknown as Record;

async function project(records: readonly Record[], count = (ends: readonly LedgerEnd[]) => usage.count(ends)) {
  const handler = createProjectorHandler({
    usage: { count, countRefusals: (batches) => usage.countRefusals(batches) },
    deliverAlerts: async (budgetSnapshots) => void snapshots.push(...budgetSnapshots),
    log: (event, facts) => logged.push(JSON.stringify({ event, ...facts })),
  });
  return await handler({ Records: [...records] }, lambdaContext('projector', 'r', 60_000));
}
const requests = async (team = 'a') =>
  (await usage.listRows(team, '2026-11-01', '2026-11-30')).reduce((sum, row) => sum + row.requests, 0);
const [one, two, three] = ['one', 'two', 'three'].map((id) => buildLedgerEnd({ id }));
const ends = { one: one ?? buildLedgerEnd(), two: two ?? buildLedgerEnd(), three: three ?? buildLedgerEnd() };

describe('the projector', () => {
  it('counts every end of a batch, including more than a transaction holds', async () => {
    const many = Array.from({ length: 230 }, (_, index) =>
      buildLedgerEnd({ id: `m${index}`, model: `m${index % 90}` }),
    );
    const result = await project([record([ends.one]), record(many.slice(0, 40)), record(many.slice(40))]);
    expect(result).toEqual({ batchItemFailures: [] });
    expect(await requests()).toBe(231);
  });

  it('is idempotent for a redelivered batch, a part of it, and a duplicate end within one batch', async () => {
    const batch = [record([ends.one]), record([ends.two]), record([ends.one])];
    await project(batch);
    await project(batch);
    await project([record([ends.two, ends.three])]);
    expect(await requests()).toBe(3);
  });

  it('ignores writes that do not change the last ends, removed ledgers and other items', async () => {
    const pause = { dynamodb: { NewImage: { pk: { S: 'TEAM#a' }, sk: { S: 'PAUSES' }, last: { L: [] } } } };
    const organization = { dynamodb: { NewImage: { pk: { S: 'ORG' }, sk: { S: 'LEDGER#2026-11' } } } };
    const removed = { eventName: 'REMOVE', dynamodb: { OldImage: record([ends.one]).dynamodb?.NewImage } };
    const others = [pause, organization, removed] as unknown as Record[];
    const counted: LedgerEnd[][] = [];
    await project([record([ends.one], '1', [ends.one]), ...others], async (delivered) => counted.push([...delivered]));
    expect(counted).toEqual([[]]);
  });

  it("passes every ledger's snapshot to alerts, even if its ends are malformed, and nothing of other items", async () => {
    const ledger = (limit: string, spent: string, sk = 'LEDGER#2026-11') => ({
      dynamodb: { NewImage: { pk: { S: 'TEAM#a' }, sk: { S: sk }, limit: { N: limit }, spent: { N: spent } } },
    });
    const images = [
      ledger('100', '51'),
      ledger('200', '51'),
      ledger('1', '1', 'STANDING'),
      ledger('70', '60', 'LEDGER#2026-10'),
    ];
    await project([record([ends.one]), ...(images as unknown as Record[])]);
    expect(snapshots).toEqual([
      { holder: 'a', period: '2026-11', spentPicoUsd: 51n, limitPicoUsd: 100n },
      { holder: 'a', period: '2026-11', spentPicoUsd: 51n, limitPicoUsd: 200n },
      { holder: 'a', period: '2026-10', spentPicoUsd: 60n, limitPicoUsd: 70n },
    ]);
  });

  it('reports malformed records, counts all others, and continues with the next batch', async () => {
    const broken = [
      record([buildLedgerEnd({ id: '' })], '2'),
      record([buildLedgerEnd({ kind: 'refund' as never, id: 'x' })], '3'),
      record([ends.one, buildLedgerEnd({ id: 'y', atEpochMs: Number.NaN })], '4'),
      { dynamodb: { NewImage: { ...record([ends.one]).dynamodb?.NewImage, last: { S: '' } }, SequenceNumber: '5' } },
    ] as Record[];
    const result = await project([...broken, record([ends.two], '6')]);
    expect(result).toEqual({ batchItemFailures: ['2', '3', '4', '5'].map((itemIdentifier) => ({ itemIdentifier })) });
    expect(await requests()).toBe(1);
    expect(logged[0]).toBe('{"event":"unreadable_record","sequenceNumber":"2","why":"an end without id"}');
    await project([record([ends.three], '7')]);
    expect(await requests()).toBe(2);
  });

  it('fails the whole batch if the table fails, so that Lambda retries it', async () => {
    const gone = new DynamoUsage(database.client, 'no-such-table', () => START_MS);
    await expect(project([record([ends.one])], (delivered) => gone.count(delivered))).rejects.toThrow(
      'cannot count 1 ends',
    );
    await project([record([ends.one])]);
    expect(await requests()).toBe(1);
  });

  it('counts each end once when several projectors race', async () => {
    const many = Array.from({ length: 60 }, (_, index) => buildLedgerEnd({ id: `m${index}` }));
    const batches = [many, many.slice(10), many.slice(0, 30), [...many].reverse()];
    await Promise.all(batches.map((batch) => project([record(batch)])));
    expect(await requests()).toBe(60);
  });

  it('separates teams, days, keys and models, whatever their names', async () => {
    const odd = [buildLedgerEnd({ model: 'm#1/x', keyId: 'k1' }), buildLedgerEnd({ id: 'two' }, 'b')];
    await project(odd.map((end) => record([end])));
    expect(await requests('a')).toBe(1);
    expect(await usage.listRows('a', '2026-11-24', '2026-11-24')).toMatchObject([{ model: 'm#1/x', keyId: 'k1' }]);
    expect(await usage.listRows('a', '2026-11-01', '2026-11-23')).toEqual([]);
    expect(await usage.listRows('a', '2026-11-25', '2026-12-01')).toEqual([]);
    expect(await requests('b')).toBe(1);
  });
});
