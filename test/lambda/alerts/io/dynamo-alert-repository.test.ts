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

// The model that stories are told on, and the table.
describe.each([
  ['in memory', () => new MemoryAlertRepository()],
  ['in DynamoDB', () => new DynamoAlertRepository(database.client, 'usage')],
] as [string, () => AlertRepository][])('claims of alerts %s', (_where, make) => {
  it('go to one of many at once, and to the same one as often as it asks', async () => {
    const claims = make();
    const one = crossing('2026-01', 81);
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((id) => claims.claim(one, by(id))));
    expect(answers.filter((answer) => answer !== 'busy')).toEqual([one]);
    const winner = ['a', 'b', 'c', 'd'][answers.findIndex((answer) => answer !== 'busy')] ?? '';
    expect(await claims.claim(one, by(winner))).toEqual(one);
  });

  it('go to another when the lease is over, with what was first seen, and to nobody once it is told', async () => {
    const claims = make();
    const first = crossing('2026-02', 81);
    const later = crossing('2026-02', 90);
    await claims.claim(first, by('a', 1_000));
    expect(await claims.claim(later, by('b', 1_499))).toBe('busy');
    expect(await claims.claim(later, by('b', 1_500))).toEqual(first);
    await claims.markDelivered(first, 1_600, 'words');
    // The one who was too slow.
    await claims.markDelivered(first, 1_700, 'words');
    expect(await claims.claim(later, by('c', 9_000))).toBe('told');
    expect(await claims.listRecords('2026-02')).toEqual([
      { crossing: first, leaseEndsAtEpochMs: 2_000, deliveredAtEpochMs: 1_600 },
    ]);
  });

  it('keep holders, thresholds and months apart', async () => {
    const claims = make();
    const others = [crossing('2026-03', 81), crossing('2026-03', 81, '$100'), crossing('2026-04', 81)];
    for (const one of [...others, { ...crossing('2026-03', 81), holder: 'b' }])
      expect(await claims.claim(one, by('a'))).toEqual(one);
    expect(await claims.listRecords('2026-03')).toHaveLength(3);
    expect(await claims.listRecords('2026-05')).toEqual([]);
  });
});

it('fails when the table does', async () => {
  const gone = new DynamoAlertRepository(database.client, 'no-such-table');
  await expect(gone.claim(crossing('2026-01', 81), by('a'))).rejects.toThrow('cannot claim an alert');
  await expect(gone.markDelivered(crossing('2026-01', 81), 1, '')).rejects.toThrow('cannot mark an alert');
  await expect(gone.listRecords('2026-01')).rejects.toThrow('cannot read the alerts of 2026-01');
});
