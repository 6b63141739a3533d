import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertRepository } from '../../../../lambda/alerts/deliver-alerts.ts';
import { DynamoAlertRepository } from '../../../../lambda/alerts/io/dynamo-alert-repository.ts';
import { MemoryAlertRepository, snapshotWith, usd } from '../../../support/alert-delivery.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('usage');
});
afterAll(async () => await database.close());

const crossing = (period: string, spentUsd: number, threshold = '80%') => ({
  ...snapshotWith({ period, spentPicoUsd: usd(spentUsd) }),
  threshold,
});
const by = (id: string, nowEpochMs = 1_000) => ({ id, nowEpochMs, leaseEndsAtEpochMs: nowEpochMs + 500 });

// The in-memory model that other tests use, and the real table.
describe.each([
  ['in memory', () => new MemoryAlertRepository()],
  ['in DynamoDB', () => new DynamoAlertRepository(database.client, 'usage')],
] as [string, () => AlertRepository][])('claims on alerts %s', (_where, createRepository) => {
  it('are granted to one of many concurrent processes, and to the same one again', async () => {
    const claims = createRepository();
    const contested = crossing('2026-01', 81);
    const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((id) => claims.claim(contested, by(id))));
    expect(outcomes.filter((outcome) => outcome !== 'busy')).toEqual([contested]);
    const winner = ['a', 'b', 'c', 'd'][outcomes.findIndex((outcome) => outcome !== 'busy')] ?? '';
    expect(await claims.claim(contested, by(winner))).toEqual(contested);
  });

  it('pass to another process with the first crossing when the lease expires, and to none after delivery', async () => {
    const claims = createRepository();
    const first = crossing('2026-02', 81);
    const later = crossing('2026-02', 90);
    await claims.claim(first, by('a', 1_000));
    expect(await claims.claim(later, by('b', 1_499))).toBe('busy');
    expect(await claims.claim(later, by('b', 1_500))).toEqual(first);
    await claims.markDelivered(first, 1_600, 'text');
    // The process whose lease had expired.
    await claims.markDelivered(first, 1_700, 'text');
    expect(await claims.claim(later, by('c', 9_000))).toBe('delivered');
    expect(await claims.listRecords('2026-02')).toEqual([
      { crossing: first, leaseEndsAtEpochMs: 2_000, deliveredAtEpochMs: 1_600 },
    ]);
  });

  it('separate holders, thresholds and months', async () => {
    const claims = createRepository();
    const others = [crossing('2026-03', 81), crossing('2026-03', 81, '$100'), crossing('2026-04', 81)];
    for (const each of [...others, { ...crossing('2026-03', 81), holder: 'b' }])
      expect(await claims.claim(each, by('a'))).toEqual(each);
    expect(await claims.listRecords('2026-03')).toHaveLength(3);
    expect(await claims.listRecords('2026-05')).toEqual([]);
  });
});

it('fails if the table fails', async () => {
  const gone = new DynamoAlertRepository(database.client, 'no-such-table');
  await expect(gone.claim(crossing('2026-01', 81), by('a'))).rejects.toThrow('cannot claim an alert');
  await expect(gone.markDelivered(crossing('2026-01', 81), 1, '')).rejects.toThrow('cannot mark an alert');
  await expect(gone.listRecords('2026-01')).rejects.toThrow('cannot read the alerts of 2026-01');
});
