import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { MemoryLedger } from '../../../support/ledger/memory-ledger.ts';
import { RealLedger } from '../../../support/ledger/real-ledger.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

let teamNumber = 0;
const LIMIT = picoUsd(1_000n);
const KINDS = {
  'the in-memory model': () => new MemoryLedger(() => START_MS),
  'the embedded DynamoDB': () => new RealLedger(database.client, 'ledger', () => START_MS),
};

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])("people's controls of the ledger on %s", (kind) => {
  let ledger: MemoryLedger | RealLedger;
  let key: { team: string; period: string };
  beforeEach(() => {
    ledger = KINDS[kind]();
    key = { team: `team-${teamNumber++}`, period: '2026-11' };
  });
  const reserve = (id: string, cost: bigint, more: Parameters<typeof buildReserveTerms>[2] = {}) =>
    ledger.reserve(key, budgets(LIMIT), buildReserveTerms(id, cost, more));
  const money = async () => {
    const { limitPicoUsd, availablePicoUsd, reservedPicoUsd, spentPicoUsd } = (await ledger.read(key)) ?? {};
    return { limitPicoUsd, availablePicoUsd, reservedPicoUsd, spentPicoUsd };
  };

  describe('top-ups', () => {
    const topUp = async (id: string, amount: bigint, untilEpochMs: number) =>
      await ledger.topUp(key, LIMIT, { id, amountPicoUsd: picoUsd(amount), untilEpochMs });
    const at = (id: string, cost: bigint, nowEpochMs: number) => reserve(id, cost, { nowEpochMs });

    it('raises a budget until its end, and not a millisecond longer', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      expect(await at('a', 1_400n, START_MS + 999)).toMatchObject({ kind: 'reserved', view: { limitPicoUsd: 1_500n } });
      expect(await at('b', 100n, START_MS + 1_000)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
      expect(await money()).toMatchObject({ limitPicoUsd: 1_000n, availablePicoUsd: -400n, reservedPicoUsd: 1_400n });
    });

    it('applies a retried top-up once', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      await topUp('t', 500n, START_MS + 1_000);
      expect(await money()).toMatchObject({ limitPicoUsd: 1_500n, availablePicoUsd: 1_500n });
    });

    it('never has more than ten in force, however many are added concurrently', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => topUp(`t${n}`, 100n, START_MS + 1_000)));
      expect(await money()).toMatchObject({ limitPicoUsd: 2_000n, availablePicoUsd: 2_000n });
    });

    it('ends each of several at its own time', async () => {
      await topUp('t1', 100n, START_MS + 1_000);
      await topUp('t2', 200n, START_MS + 2_000);
      await at('a', 10n, START_MS + 1_500);
      expect(await money()).toMatchObject({ limitPicoUsd: 1_200n });
      await ledger.sweep(key, START_MS + 2_000);
      expect(await money()).toMatchObject({ limitPicoUsd: 1_000n, availablePicoUsd: 990n });
    });

    it('keeps top-ups when a deployment changes the budget, and the new budget when they end', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      await ledger.setLimit(key, picoUsd(300n));
      expect(await money()).toMatchObject({ limitPicoUsd: 800n, availablePicoUsd: 800n });
      await ledger.sweep(key, START_MS + 1_000);
      expect(await money()).toMatchObject({ limitPicoUsd: 300n, availablePicoUsd: 300n });
    });

    it('does not affect the next month', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      const next = await ledger.reserve({ ...key, period: '2026-12' }, budgets(LIMIT), buildReserveTerms('a', 1_001n));
      expect(next).toMatchObject({ kind: 'refused', view: { limitPicoUsd: 1_000n } });
    });
  });

  describe('pauses', () => {
    const pause = { reason: 'a loop', untilEpochMs: undefined };
    const all = async () => new Set([key.team]);

    it('refuse the next call, and let calls in flight settle', async () => {
      await reserve('a', 300n);
      await ledger.setPause(key.team, pause);
      expect(await reserve('b', 1n)).toMatchObject({ refused: { reason: 'team_paused', why: 'a loop' } });
      await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(100n));
      expect(await money()).toMatchObject({ spentPicoUsd: 100n, reservedPicoUsd: 0n });
      await ledger.setPause(key.team, undefined);
      expect(await reserve('b', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('end by themselves at their end time, and not a millisecond sooner', async () => {
      await ledger.setPause(key.team, { reason: 'a while', untilEpochMs: START_MS + 1_000 });
      await reserve('a', 1n);
      expect(await reserve('a', 1n, { nowEpochMs: START_MS + 999 })).toMatchObject({ kind: 'refused' });
      expect(await reserve('a', 1n, { nowEpochMs: START_MS + 1_000 })).toMatchObject({ kind: 'reserved' });
    });

    it('continue in later months, also in a month without calls', async () => {
      await ledger.setPause(key.team, pause);
      for (const period of ['2026-11', '2026-12', '2027-01']) {
        expect(await ledger.reserve({ ...key, period }, budgets(LIMIT), buildReserveTerms('a', 1n))).toMatchObject({
          refused: { reason: 'team_paused' },
        });
      }
    });

    it('of all teams and of one do not lift each other', async () => {
      await reserve('first', 1n);
      await ledger.setPause(key.team, pause);
      await ledger.setPauseForAll({ reason: 'all', untilEpochMs: undefined }, all);
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'organization_paused', why: 'all' } });
      await ledger.setPauseForAll(undefined, all);
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'team_paused' } });
      await ledger.setPause(key.team, undefined);
      expect(await reserve('a', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('of all teams reach a team that is published again, and are lifted from it too', async () => {
      await reserve('first', 1n);
      await ledger.setPauseForAll(pause, async () => new Set());
      await ledger.setLimit(key, picoUsd(500n));
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'organization_paused' } });
      await ledger.setPauseForAll(undefined, async () => new Set());
      await ledger.sweep(key, START_MS);
      expect(await reserve('a', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('and resumes that run concurrently end in the state of the last one', async () => {
      await reserve('first', 1n);
      for (let round = 0; round < 10; round++) {
        await Promise.all(
          Array.from({ length: 6 }, async (_, n) => {
            if (n % 2 === 0) await ledger.setPause(key.team, n % 4 === 0 ? pause : undefined);
            else await ledger.setPauseForAll(n % 4 === 1 ? pause : undefined, all);
          }),
        );
        const { team, organization } = await ledger.readPauses(key.team);
        expect((await ledger.read(key))?.pauses).toEqual({ team, organization });
      }
      await ledger.setPauseForAll(undefined, all);
    });

    it('of all teams apply to a team that is created later', async () => {
      await ledger.setPauseForAll(pause, async () => new Set());
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'organization_paused' } });
      await ledger.setPauseForAll(undefined, all);
      expect(await reserve('a', 1n)).toMatchObject({ kind: 'reserved' });
    });
  });

  it('refuses the next call of a revoked key, also in a new month, and no other key', async () => {
    await reserve('a', 1n, { keyId: 'leaked' });
    await ledger.revokeKey(key.team, 'leaked');
    expect(await reserve('b', 1n, { keyId: 'leaked' })).toMatchObject({ refused: { reason: 'key_revoked' } });
    expect(await reserve('c', 1n, { keyId: 'other' })).toMatchObject({ kind: 'reserved' });
    const next = await ledger.reserve(
      { ...key, period: '2026-12' },
      budgets(LIMIT),
      buildReserveTerms('d', 1n, { keyId: 'leaked' }),
    );
    expect(next).toMatchObject({ refused: { reason: 'key_revoked' } });
  });
});
