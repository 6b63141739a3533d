import { DynamoDBClient, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { picoUsd } from '../../../../lambda/kernel/money.ts';
import { VOID } from '../../../../lambda/ledger/reservation.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { MemoryLedger } from '../../../support/ledger/memory-ledger.ts';
import { RealLedger } from '../../../support/ledger/real-ledger.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

const PERIOD = '2026-11';
const CAP = 1_000n;
let tables = 0;
let nowEpochMs = START_MS;
let table = '';
const KINDS = {
  'the in-memory model': () => new MemoryLedger(() => nowEpochMs),
  'the embedded DynamoDB': () => new RealLedger(database.client, table, () => nowEpochMs),
};

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])("the organisation's cap on %s", (kind) => {
  let ledger: MemoryLedger | RealLedger;
  beforeEach(async () => {
    table = `leases-${tables++}`;
    await ensureTable(database.client, table);
    nowEpochMs = START_MS;
    ledger = KINDS[kind]();
  });
  const ledgerKey = (team: string, period = PERIOD) => ({ team, period });
  const reserve = async (team: string, id: string, cost: bigint, cap = CAP) => {
    nowEpochMs += 300;
    const terms = buildReserveTerms(id, cost, { nowEpochMs, expiresAtEpochMs: START_MS + 300_000 });
    return await ledger.reserve(ledgerKey(team), budgets(800n, cap), terms);
  };
  const organization = async () => await ledger.readOrganization(PERIOD);

  it("is drawn in blocks of a twentieth, so that most calls write only the team's ledger", async () => {
    await reserve('ant', 'a', 10n);
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: 40n, reservedPicoUsd: 10n });
    await reserve('ant', 'b', 40n);
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: 0n, reservedPicoUsd: 50n });
    expect(await organization()).toMatchObject({
      limitPicoUsd: CAP,
      availablePicoUsd: 950n,
      grantedPicoUsd: 50n,
      holders: new Set(['ant']),
    });
  });

  it('holds although the budgets of the teams add up to more', async () => {
    expect(await reserve('ant', 'a', 700n)).toMatchObject({ kind: 'reserved' });
    expect(await reserve('bee', 'b', 400n)).toMatchObject({
      kind: 'refused',
      refused: { reason: 'organization_budget_exceeded', availablePicoUsd: 300n, reservedPicoUsd: 700n },
    });
    expect(await reserve('bee', 'c', 300n)).toMatchObject({ kind: 'reserved' });
    expect(await organization()).toMatchObject({ availablePicoUsd: 0n, grantedPicoUsd: CAP });
  });

  it('reports the money reserved by all teams, and the part young enough to wait for', async () => {
    await ledger.reserve(
      ledgerKey('ant'),
      budgets(800n, CAP),
      buildReserveTerms('dead', 500n, { expiresAtEpochMs: START_MS + 60_000 }),
    );
    await reserve('bee', 'b', 300n);
    expect(await reserve('cat', 'c', 300n)).toMatchObject({
      refused: { limitPicoUsd: CAP, availablePicoUsd: 200n, reservedPicoUsd: 800n, reclaimablePicoUsd: 300n },
    });
  });

  it('recalls idle leases from other teams before it refuses', async () => {
    await reserve('ant', 'a', 700n);
    await ledger.settle(ledgerKey('ant'), buildReserveTerms('a', 700n), VOID);
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: 700n, reservedPicoUsd: 0n });
    expect(await reserve('bee', 'b', 800n)).toMatchObject({ kind: 'reserved' });
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: 200n });
    expect(await ledger.read(ledgerKey('bee'))).toMatchObject({ leasedPicoUsd: 0n, reservedPicoUsd: 800n });
  });

  it('never recalls reserved or spent money', async () => {
    await reserve('ant', 'a', 500n);
    await reserve('bee', 'b', 300n);
    await ledger.settle(ledgerKey('bee'), buildReserveTerms('b', 300n), buildSettlement(300n));
    expect(await reserve('cat', 'c', 201n)).toMatchObject({ kind: 'refused', refused: { availablePicoUsd: 200n } });
  });

  it('returns the unused part of a call to its team', async () => {
    await reserve('ant', 'a', 600n);
    await ledger.settle(ledgerKey('ant'), buildReserveTerms('a', 600n), buildSettlement(100n));
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: 500n, spentPicoUsd: 100n });
    expect(await reserve('ant', 'b', 500n)).toMatchObject({ kind: 'reserved' });
    expect(await organization()).toMatchObject({ availablePicoUsd: 400n });
  });

  it('deducts an overrun from the team’s next lease', async () => {
    await reserve('ant', 'a', 100n);
    await ledger.settle(ledgerKey('ant'), buildReserveTerms('a', 100n), buildSettlement(150n));
    expect(await ledger.read(ledgerKey('ant'))).toMatchObject({ leasedPicoUsd: -50n, overrunPicoUsd: 50n });
    await reserve('ant', 'b', 100n);
    expect(await organization()).toMatchObject({ availablePicoUsd: 750n, grantedPicoUsd: 250n });
  });

  it('changes the available amount by the difference, and refuses what a lowered cap does not cover', async () => {
    await reserve('ant', 'a', 600n);
    await ledger.setCap(PERIOD, picoUsd(500n));
    expect(await organization()).toMatchObject({ limitPicoUsd: 500n, availablePicoUsd: -100n, grantedPicoUsd: 600n });
    expect(await reserve('bee', 'b', 1n, 500n)).toMatchObject({ kind: 'refused' });
    await ledger.setCap(PERIOD, picoUsd(2_000n));
    expect(await reserve('bee', 'c', 100n, 2_000n)).toMatchObject({ kind: 'reserved' });
  });

  it('never lets money leased under a top-up be spent after the top-up has ended', async () => {
    const untilEpochMs = START_MS + 60_000;
    await ledger.topUpCap(PERIOD, picoUsd(CAP), { id: 't', amountPicoUsd: picoUsd(1_000n), untilEpochMs });
    for (const team of ['ant', 'bee']) {
      await reserve(team, `${team}-0`, 800n);
      await ledger.settle(ledgerKey(team), buildReserveTerms(`${team}-0`, 800n), buildSettlement(450n));
    }
    nowEpochMs = untilEpochMs;
    // The two teams have spent 900 and hold 700 idle; the cap is 1,000 again.
    expect(await reserve('ant', 'a', 101n)).toMatchObject({ refused: { reason: 'organization_budget_exceeded' } });
    expect(await reserve('ant', 'b', 60n)).toMatchObject({ kind: 'reserved' });
    expect(await reserve('bee', 'c', 41n)).toMatchObject({ kind: 'refused' });
    expect(await reserve('bee', 'd', 40n)).toMatchObject({ kind: 'reserved' });
  });

  it('never lets a team spend its refund again while spending exceeds a lowered cap', async () => {
    await reserve('ant', 'a', 700n);
    await ledger.setCap(PERIOD, picoUsd(500n));
    await ledger.settle(ledgerKey('ant'), buildReserveTerms('a', 700n), buildSettlement(600n));
    for (const cost of [1n, 100n])
      expect(await reserve('ant', 'b', cost, 500n)).toMatchObject({
        refused: { reason: 'organization_budget_exceeded' },
      });
    expect(await organization()).toMatchObject({ limitPicoUsd: 500n, availablePicoUsd: -100n, grantedPicoUsd: 600n });
    await ledger.setCap(PERIOD, picoUsd(650n));
    expect(await reserve('ant', 'c', 50n, 650n)).toMatchObject({ kind: 'reserved' });
    expect(await reserve('bee', 'd', 1n, 650n)).toMatchObject({ kind: 'refused' });
  });

  it('is full at the start of a month', async () => {
    await reserve('ant', 'a', 800n);
    const december = await ledger.reserve(
      ledgerKey('bee', '2026-12'),
      budgets(800n, CAP),
      buildReserveTerms('b', 800n),
    );
    expect(december).toMatchObject({ kind: 'reserved' });
  });

  it('leases nothing for a call that is refused for another reason', async () => {
    expect(await reserve('ant', 'a', 801n)).toMatchObject({ refused: { reason: 'team_budget_exceeded' } });
    expect(await organization()).toBeUndefined();
  });
});

describe('on the embedded DynamoDB', () => {
  beforeEach(async () => {
    table = `leases-${tables++}`;
    await ensureTable(database.client, table);
    nowEpochMs = START_MS;
  });

  it('lets concurrent processes spend all of the cap, and no more', async () => {
    // Like processes, they share only the table.
    const processes = Array.from({ length: 4 }, () => new RealLedger(database.client, table, Date.now));
    const results = await Promise.all(
      Array.from({ length: 160 }, async (_, n) => {
        const ledger = processes[n % processes.length] as RealLedger;
        const terms = buildReserveTerms(`c${n}`, 10n);
        return await ledger.reserve({ team: `team-${n % 3}`, period: PERIOD }, budgets(10_000n, CAP), terms);
      }),
    );
    const admitted = results.filter(({ kind }) => kind === 'reserved').length;
    expect(admitted).toBe(Number(CAP / 10n));
    const { availablePicoUsd, grantedPicoUsd } = (await processes[0]?.readOrganization(PERIOD)) ?? {};
    expect({ availablePicoUsd, grantedPicoUsd }).toEqual({ availablePicoUsd: 0n, grantedPicoUsd: CAP });
  });

  it('never refuses a team because another team asked for more than the cap has', async () => {
    const ledger = new RealLedger(database.client, table, () => START_MS);
    const reserve = async (team: string, id: string, cost: bigint) =>
      await ledger.reserve({ team, period: PERIOD }, budgets(10_000n, CAP), buildReserveTerms(id, cost));
    await reserve('ant', 'a', 900n);
    await ledger.settle({ team: 'ant', period: PERIOD }, buildReserveTerms('a', 900n), VOID);
    expect(await reserve('ant', 'too much', 1_001n)).toMatchObject({ kind: 'refused' });
    // At the same time, another team can recall that idle money.
    expect(await reserve('bee', 'b', 200n)).toMatchObject({ kind: 'reserved' });
  });

  it('retries a write that conflicts with a draw on the same item', async () => {
    const ledger = new RealLedger(database.client, table, Date.now);
    await ledger.setCap(PERIOD, picoUsd(CAP));
    let conflicts = 0;
    database.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'UpdateItemCommand' && conflicts++ < 2)
          throw new TransactionConflictException({ message: 'a draw is in flight', $metadata: {} });
        return await next(args);
      },
      { step: 'initialize', name: 'conflict' },
    );
    try {
      await ledger.setCap(PERIOD, picoUsd(2_000n));
    } finally {
      database.client.middlewareStack.remove('conflict');
    }
    expect(conflicts).toBeGreaterThan(2);
    expect(await ledger.readOrganization(PERIOD)).toMatchObject({ limitPicoUsd: 2_000n });
  });

  it('makes two writes a call, and at most a twentieth more for leases', async () => {
    const ledger = new RealLedger(database.client, table, Date.now);
    const key = { team: 'ant', period: PERIOD };
    const calls = 400;
    const terms = (n: number) => buildReserveTerms(`c${n}`, 20n);
    // The budget and the cap cover four times the calls, so a block covers 80 of them.
    const of = budgets(32_000n, 32_000n);
    await ledger.reserve(key, of, terms(-1));
    database.sent.clear();
    for (let n = 0; n < calls; n++) {
      await ledger.reserve(key, of, terms(n));
      await ledger.settle(key, terms(n), buildSettlement(20n));
    }
    const writes =
      (database.sent.get('UpdateItemCommand') ?? 0) + 2 * (database.sent.get('TransactWriteItemsCommand') ?? 0);
    expect(writes / calls).toBeLessThanOrEqual(2.1);
    expect(database.sent.get('GetItemCommand') ?? 0).toBeLessThanOrEqual(calls / 50);
  });

  it('loses and doubles no pico-dollar when a transfer is retried or its reply is lost', async () => {
    const ledger = new RealLedger(database.client, table, Date.now);
    let failures = 0;
    database.client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        // The write succeeded, its reply is lost, and the SDK retries with the same token.
        if (context.commandName === 'TransactWriteItemsCommand' && failures++ % 2 === 0)
          throw Object.assign(new Error('lost'), { name: 'TimeoutError', $retryable: {} });
        return result;
      },
      { step: 'finalizeRequest', name: 'loseReplies', priority: 'low' },
    );
    try {
      for (let n = 0; n < 20; n++)
        await ledger.reserve({ team: 'ant', period: PERIOD }, budgets(CAP, CAP), buildReserveTerms(`c${n}`, 50n));
    } finally {
      database.client.middlewareStack.remove('loseReplies');
    }
    expect(failures).toBeGreaterThan(20);
    const { grantedPicoUsd } = (await ledger.readOrganization(PERIOD)) ?? {};
    const { leasedPicoUsd, reservedPicoUsd } = (await ledger.read({ team: 'ant', period: PERIOD })) ?? {};
    expect({ grantedPicoUsd, leasedPicoUsd, reservedPicoUsd }).toEqual({
      grantedPicoUsd: CAP,
      leasedPicoUsd: 0n,
      reservedPicoUsd: CAP,
    });
  });
});

describe('a draw on the embedded DynamoDB', () => {
  it('continues while other calls take what it has drawn, as long as there is money', async () => {
    table = `leases-${tables++}`;
    await ensureTable(database.client, table);
    const key = { team: 'ant', period: PERIOD };
    const rival = new RealLedger(database.client, table, () => START_MS);
    let taken = 0;
    const client = new DynamoDBClient({
      endpoint: database.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        // Each time a block of 50 is drawn, another call of the team takes it first.
        if (context.commandName === 'TransactWriteItemsCommand' && taken < 15)
          await rival.reserve(key, budgets(10_000n, CAP), buildReserveTerms(`rival-${taken++}`, 50n));
        return result;
      },
      { step: 'initialize', name: 'rival' },
    );
    const ledger = new RealLedger(client, table, () => START_MS);
    const reserved = await ledger.reserve(key, budgets(10_000n, CAP), buildReserveTerms('mine', 10n));
    client.destroy();
    expect([reserved.kind, taken]).toEqual(['reserved', 15]);
    expect(await rival.read(key)).toMatchObject({ reservedPicoUsd: 760n });
  });
});
