import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { rateCostUs } from '../../../../lambda/kernel/rate-limit.ts';
import { VOID } from '../../../../lambda/ledger/reservation.ts';
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

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('the ledger on %s', (kind) => {
  let ledger: MemoryLedger | RealLedger;
  let key: { team: string; period: string };
  beforeEach(() => {
    ledger = KINDS[kind]();
    key = { team: `team-${teamNumber++}`, period: '2026-11' };
  });
  const reserve = (id: string, cost: bigint, more: Parameters<typeof buildReserveTerms>[2] = {}) =>
    ledger.reserve(key, budgets(LIMIT), buildReserveTerms(id, cost, more));
  const money = async () => {
    const { limitPicoUsd, availablePicoUsd, reservedPicoUsd, spentPicoUsd, assumedPicoUsd, overrunPicoUsd } =
      (await ledger.read(key)) ?? {};
    return { limitPicoUsd, availablePicoUsd, reservedPicoUsd, spentPicoUsd, assumedPicoUsd, overrunPicoUsd };
  };

  it('opens a period with the whole budget, then holds what a call may cost', async () => {
    expect(await reserve('a', 300n)).toMatchObject({ kind: 'reserved' });
    expect(await money()).toEqual({
      limitPicoUsd: 1000n,
      availablePicoUsd: 700n,
      reservedPicoUsd: 300n,
      spentPicoUsd: 0n,
      assumedPicoUsd: 0n,
      overrunPicoUsd: 0n,
    });
  });

  it('never admits more than the budget to concurrent calls on a period that does not exist yet', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, n) => reserve(`c${n}`, 100n)));
    expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(10);
    expect(
      results.filter((result) => result.kind === 'refused' && result.refused.reason === 'team_budget_exceeded'),
    ).toHaveLength(30);
    expect(await money()).toMatchObject({ availablePicoUsd: 0n, reservedPicoUsd: 1000n });
  });

  it('takes a reservation told twice for one, and another call with its id for none', async () => {
    expect(await reserve('a', 300n)).toMatchObject({ kind: 'reserved' });
    expect(await reserve('a', 300n)).toMatchObject({ kind: 'reserved' });
    expect(await reserve('a', 10n)).toMatchObject({ kind: 'refused' });
    expect(await reserve('a', 300n, { expiresAtEpochMs: START_MS + 1 })).toMatchObject({ kind: 'refused' });
    expect(await money()).toMatchObject({ reservedPicoUsd: 300n });
  });

  it('settles at the true cost and makes the rest available again', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(120n));
    expect(await money()).toEqual({
      limitPicoUsd: 1000n,
      availablePicoUsd: 880n,
      reservedPicoUsd: 0n,
      spentPicoUsd: 120n,
      assumedPicoUsd: 0n,
      overrunPicoUsd: 0n,
    });
  });

  it('changes nothing when a settlement is repeated, as after a lost reply', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(120n));
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(120n));
    await ledger.settle(key, buildReserveTerms('a', 300n), VOID);
    expect(await money()).toMatchObject({ availablePicoUsd: 880n, spentPicoUsd: 120n });
  });

  it('holds once when a reserve is repeated, as after a lost reply', async () => {
    await reserve('a', 300n, { maxConcurrent: 1, rpmCostUs: rateCostUs(1, 1) });
    expect(await reserve('a', 300n, { maxConcurrent: 1, rpmCostUs: rateCostUs(1, 1) })).toMatchObject({
      kind: 'reserved',
    });
    expect(await money()).toMatchObject({ reservedPicoUsd: 300n });
  });

  it('gives everything back when a call is voided', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), VOID);
    expect(await money()).toMatchObject({ availablePicoUsd: 1000n, reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it('counts an assumed cost apart', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(300n, { assumed: true }));
    expect(await money()).toMatchObject({ spentPicoUsd: 300n, assumedPicoUsd: 300n, availablePicoUsd: 700n });
  });

  it('records a cost above its bound whole, never hiding it', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(1_500n));
    expect(await money()).toMatchObject({
      spentPicoUsd: 1_500n,
      overrunPicoUsd: 1_200n,
      availablePicoUsd: -500n,
      reservedPicoUsd: 0n,
    });
    expect(await reserve('b', 1n)).toMatchObject({ kind: 'refused', refused: { reason: 'team_budget_exceeded' } });
  });

  it('takes an abandoned call for spent at its bound once its time is over and its money is wanted', async () => {
    await reserve('dead', 800n, { expiresAtEpochMs: START_MS + 1_000 });
    expect(await reserve('early', 300n)).toMatchObject({ kind: 'refused' });
    expect(await reserve('late', 300n, { nowEpochMs: START_MS + 1_000 })).toMatchObject({ kind: 'refused' });
    expect(await money()).toMatchObject({
      spentPicoUsd: 800n,
      assumedPicoUsd: 800n,
      reservedPicoUsd: 0n,
      availablePicoUsd: 200n,
    });
  });

  it('frees the place of an abandoned call', async () => {
    await reserve('dead', 100n, { expiresAtEpochMs: START_MS + 1_000, maxConcurrent: 1 });
    expect(await reserve('b', 100n, { maxConcurrent: 1 })).toMatchObject({
      refused: { reason: 'concurrency_exceeded' },
    });
    expect(await reserve('b', 100n, { maxConcurrent: 1, nowEpochMs: START_MS + 1_000 })).toMatchObject({
      kind: 'reserved',
    });
  });

  it('corrects an expiry once when its settlement comes late', async () => {
    const abandoned = buildReserveTerms('dead', 800n, { expiresAtEpochMs: START_MS + 1_000 });
    await ledger.reserve(key, budgets(LIMIT), abandoned);
    await reserve('late', 300n, { nowEpochMs: START_MS + 1_000 });
    await ledger.settle(key, abandoned, buildSettlement(50n));
    await ledger.settle(key, abandoned, buildSettlement(50n));
    expect(await money()).toEqual({
      limitPicoUsd: 1000n,
      availablePicoUsd: 950n,
      reservedPicoUsd: 0n,
      spentPicoUsd: 50n,
      assumedPicoUsd: 0n,
      overrunPicoUsd: 0n,
    });
  });

  it('admits no more calls at once than allowed', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => reserve(`c${n}`, 1n, { maxConcurrent: 5 })));
    expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(5);
  });

  it('admits exactly a minute of requests at once, then one as each refills', async () => {
    const rpmCostUs = rateCostUs(1, 6);
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => reserve(`c${n}`, 1n, { rpmCostUs })));
    expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(6);
    expect(await reserve('x', 1n, { rpmCostUs, nowEpochMs: START_MS + 4_000 })).toMatchObject({
      refused: { reason: 'requests_exceeded', retryAfterMs: 6_000 },
    });
    expect(await reserve('y', 1n, { rpmCostUs, nowEpochMs: START_MS + 10_000 })).toMatchObject({ kind: 'reserved' });
    expect(await reserve('z', 1n, { rpmCostUs, nowEpochMs: START_MS + 500_000 })).toMatchObject({ kind: 'reserved' });
  });

  it('takes the tokens a call may use from the minute, and gives back those it did not', async () => {
    const tpmCostUs = rateCostUs(600, 1_000);
    const first = buildReserveTerms('a', 1n, { tpmCostUs });
    await ledger.reserve(key, budgets(LIMIT), first);
    expect(await reserve('b', 1n, { tpmCostUs })).toMatchObject({
      refused: { reason: 'tokens_exceeded', retryAfterMs: 12_000 },
    });
    await ledger.settle(
      key,
      first,
      buildSettlement(1n, { tpmRefundUs: rateCostUs(600, 1_000) - rateCostUs(100, 1_000) }),
    );
    expect(await reserve('b', 1n, { tpmCostUs })).toMatchObject({ kind: 'reserved' });
  });

  it('moves a changed budget by the difference and leaves spending alone', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(200n));
    await reserve('b', 100n);
    await ledger.setLimit(key, picoUsd(250n));
    expect(await money()).toMatchObject({
      limitPicoUsd: 250n,
      spentPicoUsd: 200n,
      reservedPicoUsd: 100n,
      availablePicoUsd: -50n,
    });
    await ledger.setLimit(key, picoUsd(500n));
    expect(await money()).toMatchObject({ limitPicoUsd: 500n, availablePicoUsd: 200n });
  });

  it('keeps periods apart', async () => {
    await reserve('a', 900n);
    const next = { ...key, period: '2026-12' };
    expect(await ledger.reserve(next, budgets(LIMIT), buildReserveTerms('b', 900n))).toMatchObject({
      kind: 'reserved',
    });
    expect(await money()).toMatchObject({ reservedPicoUsd: 900n });
  });

  it('admits nothing on a budget of nothing', async () => {
    expect(await ledger.reserve(key, budgets(0n), buildReserveTerms('a', 1n))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
    });
  });

  describe('top-ups', () => {
    const topUp = async (id: string, amount: bigint, untilEpochMs: number) =>
      await ledger.topUp(key, LIMIT, { id, amountPicoUsd: picoUsd(amount), untilEpochMs });
    const at = (id: string, cost: bigint, nowEpochMs: number) => reserve(id, cost, { nowEpochMs });

    it('raises a budget until its time is over, and not a millisecond longer', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      expect(await at('a', 1_400n, START_MS + 999)).toMatchObject({ kind: 'reserved', view: { limitPicoUsd: 1_500n } });
      expect(await at('b', 100n, START_MS + 1_000)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
      expect(await money()).toMatchObject({ limitPicoUsd: 1_000n, availablePicoUsd: -400n, reservedPicoUsd: 1_400n });
    });

    it('takes a top-up told twice for one', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      await topUp('t', 500n, START_MS + 1_000);
      expect(await money()).toMatchObject({ limitPicoUsd: 1_500n, availablePicoUsd: 1_500n });
    });

    it('never has more than ten in force, however many are added at once', async () => {
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

    it('leaves top-ups on a budget that a deployment changes, and the budget when they end', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      await ledger.setLimit(key, picoUsd(300n));
      expect(await money()).toMatchObject({ limitPicoUsd: 800n, availablePicoUsd: 800n });
      await ledger.sweep(key, START_MS + 1_000);
      expect(await money()).toMatchObject({ limitPicoUsd: 300n, availablePicoUsd: 300n });
    });

    it('does not reach into the next month', async () => {
      await topUp('t', 500n, START_MS + 1_000);
      const next = await ledger.reserve({ ...key, period: '2026-12' }, budgets(LIMIT), buildReserveTerms('a', 1_001n));
      expect(next).toMatchObject({ kind: 'refused', view: { limitPicoUsd: 1_000n } });
    });
  });

  describe('pauses', () => {
    const pause = { reason: 'a loop', untilEpochMs: undefined };
    const all = async () => new Set([key.team]);

    it('refuse from the next call on, and let calls in flight settle', async () => {
      await reserve('a', 300n);
      await ledger.setPause(key.team, pause);
      expect(await reserve('b', 1n)).toMatchObject({ refused: { reason: 'team_paused', why: 'a loop' } });
      await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(100n));
      expect(await money()).toMatchObject({ spentPicoUsd: 100n, reservedPicoUsd: 0n });
      await ledger.setPause(key.team, undefined);
      expect(await reserve('b', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('end by themselves at their time, and not a millisecond sooner', async () => {
      await ledger.setPause(key.team, { reason: 'a while', untilEpochMs: START_MS + 1_000 });
      await reserve('a', 1n);
      expect(await reserve('a', 1n, { nowEpochMs: START_MS + 999 })).toMatchObject({ kind: 'refused' });
      expect(await reserve('a', 1n, { nowEpochMs: START_MS + 1_000 })).toMatchObject({ kind: 'reserved' });
    });

    it('do not end with the month, nor in a month that nobody has called in', async () => {
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

    it('of all teams never spare one that is published again, nor do they keep it when they have been lifted', async () => {
      await reserve('first', 1n);
      await ledger.setPauseForAll(pause, async () => new Set());
      await ledger.setLimit(key, picoUsd(500n));
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'organization_paused' } });
      await ledger.setPauseForAll(undefined, async () => new Set());
      await ledger.sweep(key, START_MS);
      expect(await reserve('a', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('and their ends, whoever is quicker, leave calls as the last of them says', async () => {
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

    it('of all teams also hold for a team that is not there yet', async () => {
      await ledger.setPauseForAll(pause, async () => new Set());
      expect(await reserve('a', 1n)).toMatchObject({ refused: { reason: 'organization_paused' } });
      await ledger.setPauseForAll(undefined, all);
      expect(await reserve('a', 1n)).toMatchObject({ kind: 'reserved' });
    });
  });

  describe('a key with limits of its own', () => {
    const share = { id: 'narrow', limitPicoUsd: picoUsd(300n), rpmCostUs: 0, tpmCostUs: 0 };
    const byKey = (id: string, cost: bigint, more: Parameters<typeof buildReserveTerms>[2] = {}) =>
      reserve(id, cost, { keyId: 'narrow', key: share, ...more });

    it("is refused at its own limit while its team has money, and others' calls are not", async () => {
      expect(await byKey('a', 200n)).toMatchObject({ kind: 'reserved' });
      expect(await byKey('b', 101n)).toMatchObject({
        refused: { reason: 'key_budget_exceeded', limitPicoUsd: 300n, availablePicoUsd: 100n, reservedPicoUsd: 200n },
      });
      expect(await reserve('c', 700n)).toMatchObject({ kind: 'reserved' });
      expect(await byKey('d', 100n)).toMatchObject({ kind: 'reserved' });
    });

    it('has back what its calls did not use, also when they settle late', async () => {
      const first = buildReserveTerms('a', 200n, { keyId: 'narrow', key: share, expiresAtEpochMs: START_MS + 1_000 });
      await ledger.reserve(key, budgets(LIMIT), first);
      await ledger.sweep(key, START_MS + 1_000);
      expect(await byKey('b', 101n)).toMatchObject({ kind: 'refused' });
      await ledger.settle(key, first, buildSettlement(50n));
      expect(await byKey('b', 250n)).toMatchObject({ kind: 'reserved' });
      await ledger.settle(key, buildReserveTerms('b', 250n, { keyId: 'narrow', key: share }), VOID);
      expect((await ledger.read(key))?.keys.get('narrow')).toMatchObject({
        limitPicoUsd: 300n,
        availablePicoUsd: 250n,
      });
    });

    it('never admits more than its limit to concurrent calls on a period that does not exist yet', async () => {
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => byKey(`c${n}`, 50n)));
      expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(6);
    });

    it('has its own requests and tokens a minute, exactly, beside those of its team', async () => {
      const rates = {
        ...share,
        limitPicoUsd: undefined,
        rpmCostUs: rateCostUs(1, 3),
        tpmCostUs: rateCostUs(100, 1_000),
      };
      const reserveByKey = (id: string, nowEpochMs = START_MS) => byKey(id, 1n, { key: rates, nowEpochMs });
      const results = await Promise.all(Array.from({ length: 8 }, (_, n) => reserveByKey(`c${n}`)));
      expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(3);
      expect(await reserveByKey('x')).toMatchObject({
        refused: { reason: 'key_requests_exceeded', retryAfterMs: 20_000 },
      });
      expect(await reserveByKey('x', START_MS + 20_000)).toMatchObject({ kind: 'reserved' });
      expect(await reserve('other', 1n)).toMatchObject({ kind: 'reserved' });
    });

    it('gives back the tokens that a call did not use', async () => {
      const rates = { ...share, tpmCostUs: rateCostUs(600, 1_000) };
      const first = buildReserveTerms('a', 1n, { keyId: 'narrow', key: rates });
      await ledger.reserve(key, budgets(LIMIT), first);
      expect(await byKey('b', 1n, { key: rates })).toMatchObject({ refused: { reason: 'key_tokens_exceeded' } });
      const keyTpmRefundUs = rateCostUs(600, 1_000) - rateCostUs(100, 1_000);
      await ledger.settle(key, first, buildSettlement(1n, { keyTpmRefundUs }));
      expect(await byKey('b', 1n, { key: rates })).toMatchObject({ kind: 'reserved' });
    });

    it('shares its limit with the key that it is rotated to', async () => {
      await byKey('a', 200n);
      expect(await byKey('b', 101n, { keyId: 'rotated' })).toMatchObject({
        refused: { reason: 'key_budget_exceeded' },
      });
    });
  });

  it('refuses a revoked key from its next call on, also in a month that begins meanwhile, and no other', async () => {
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
