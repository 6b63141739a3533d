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

  it('opens a period with the whole budget, then reserves the maximum cost of a call', async () => {
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

  it('reserves once for a retry, and refuses another call with the same id', async () => {
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

  it('reserves once when a reserve is repeated, as after a lost reply', async () => {
    await reserve('a', 300n, { maxConcurrent: 1, rpmCostUs: rateCostUs(1, 1) });
    expect(await reserve('a', 300n, { maxConcurrent: 1, rpmCostUs: rateCostUs(1, 1) })).toMatchObject({
      kind: 'reserved',
    });
    expect(await money()).toMatchObject({ reservedPicoUsd: 300n });
  });

  it('releases the whole reservation of a voided call', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), VOID);
    expect(await money()).toMatchObject({ availablePicoUsd: 1000n, reservedPicoUsd: 0n, spentPicoUsd: 0n });
  });

  it('counts an assumed cost separately', async () => {
    await reserve('a', 300n);
    await ledger.settle(key, buildReserveTerms('a', 300n), buildSettlement(300n, { assumed: true }));
    expect(await money()).toMatchObject({ spentPicoUsd: 300n, assumedPicoUsd: 300n, availablePicoUsd: 700n });
  });

  it('records all of a cost above its maximum', async () => {
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

  it('expires an overdue reservation at its maximum cost when another call needs the money', async () => {
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

  it('expires an overdue reservation when another call needs its place', async () => {
    await reserve('dead', 100n, { expiresAtEpochMs: START_MS + 1_000, maxConcurrent: 1 });
    expect(await reserve('b', 100n, { maxConcurrent: 1 })).toMatchObject({
      refused: { reason: 'concurrency_exceeded', inFlight: { calls: 1, oldestSinceEpochMs: expect.any(Number) } },
    });
    expect(await reserve('b', 100n, { maxConcurrent: 1, nowEpochMs: START_MS + 1_000 })).toMatchObject({
      kind: 'reserved',
    });
  });

  it('corrects an expiry once after a late settlement', async () => {
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

  it('admits no more concurrent calls than allowed', async () => {
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => reserve(`c${n}`, 1n, { maxConcurrent: 5 })));
    expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(5);
  });

  it('admits exactly a minute of requests immediately, then one for each refill', async () => {
    const rpmCostUs = rateCostUs(1, 6);
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => reserve(`c${n}`, 1n, { rpmCostUs })));
    expect(results.filter((result) => result.kind === 'reserved')).toHaveLength(6);
    expect(await reserve('x', 1n, { rpmCostUs, nowEpochMs: START_MS + 4_000 })).toMatchObject({
      refused: { reason: 'requests_exceeded', retryAfterMs: 6_000 },
    });
    expect(await reserve('y', 1n, { rpmCostUs, nowEpochMs: START_MS + 10_000 })).toMatchObject({ kind: 'reserved' });
    expect(await reserve('z', 1n, { rpmCostUs, nowEpochMs: START_MS + 500_000 })).toMatchObject({ kind: 'reserved' });
  });

  it('takes the maximum tokens of a call from the bucket, and refunds the unused ones', async () => {
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

  it('changes the available amount by the difference of a new budget, and keeps spending', async () => {
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

  it('keeps periods separate', async () => {
    await reserve('a', 900n);
    const next = { ...key, period: '2026-12' };
    expect(await ledger.reserve(next, budgets(LIMIT), buildReserveTerms('b', 900n))).toMatchObject({
      kind: 'reserved',
    });
    expect(await money()).toMatchObject({ reservedPicoUsd: 900n });
  });

  it('admits nothing on a budget of $0', async () => {
    expect(await ledger.reserve(key, budgets(0n), buildReserveTerms('a', 1n))).toMatchObject({
      refused: { reason: 'team_budget_exceeded' },
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

    it('gets the unused part of its calls back, also after a late settlement', async () => {
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

    it("has its own requests and tokens a minute, in addition to its team's", async () => {
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

    it('gets unused tokens back', async () => {
      const rates = { ...share, tpmCostUs: rateCostUs(600, 1_000) };
      const first = buildReserveTerms('a', 1n, { keyId: 'narrow', key: rates });
      await ledger.reserve(key, budgets(LIMIT), first);
      expect(await byKey('b', 1n, { key: rates })).toMatchObject({ refused: { reason: 'key_tokens_exceeded' } });
      const keyTpmRefundUs = rateCostUs(600, 1_000) - rateCostUs(100, 1_000);
      await ledger.settle(key, first, buildSettlement(1n, { keyTpmRefundUs }));
      expect(await byKey('b', 1n, { key: rates })).toMatchObject({ kind: 'reserved' });
    });

    it('shares its limit with its successor in a rotation', async () => {
      await byKey('a', 200n);
      expect(await byKey('b', 101n, { keyId: 'rotated' })).toMatchObject({
        refused: { reason: 'key_budget_exceeded' },
      });
    });
  });
});
