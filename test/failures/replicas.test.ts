import { randomUUID } from 'node:crypto';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import { ledgerItemKey } from '../../lambda/ledger/io/ledger-item.ts';
import { sweepLedgers } from '../../lambda/ledger/sweep.ts';
import { ensureTable } from '../../local/dynamodb/tables.ts';
import {
  CALL_COST_PICO_USD,
  HostedGateways,
  type HostedOptions,
  usdForCalls,
} from '../support/gateway/hosted-gateways.ts';
import { marshalledBytes } from '../support/ledger/item-size.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from '../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
let hosted: HostedGateways | undefined;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterEach(async () => {
  await hosted?.close();
  hosted = undefined;
});
afterAll(async () => await database.close());

const start = async (teams: HostedOptions['teams'], more: Omit<HostedOptions, 'teams'> = {}) => {
  hosted = await HostedGateways.start(database, { teams, ...more });
  return hosted;
};
const HOUR_MS = 3_600_000;
const PERIOD = '2026-11';

describe('several gateways on one ledger', () => {
  it('never admit more calls together than one gateway would', async () => {
    const gateways = await start(
      { a: { monthlyBudgetUsd: usdForCalls(20) } },
      { fake: { latencyMs: 100 }, replicas: 4 },
    );
    const answers = await Promise.all(
      Array.from({ length: 160 }, async (_, replica) => await gateways.chat('a', {}, { replica })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
    expect(gateways.billed()).toBeLessThanOrEqual(20n * CALL_COST_PICO_USD);
    expect(await gateways.waitUntilSettled('a')).toMatchObject({ spentPicoUsd: gateways.billed(), assumedPicoUsd: 0n });
  });

  it('never count rates or calls in flight separately', async () => {
    const gateways = await start(
      { a: { rateLimitRpm: 6 }, b: { maxConcurrent: 3 } },
      // So long that all calls arrive before the first one ends, even on a busy machine.
      { replicas: 3, fake: { latencyMs: 2_000 } },
    );
    const countAdmitted = async (team: string) =>
      (
        await Promise.all(Array.from({ length: 18 }, async (_, replica) => await gateways.chat(team, {}, { replica })))
      ).filter(({ status }) => status === 200).length;
    const [rate, inFlight] = [await countAdmitted('a'), await countAdmitted('b')];
    expect(rate).toBeLessThanOrEqual(6);
    // A call that read its clock before the first admitted one may be milliseconds too early for the last slot.
    expect(rate).toBeGreaterThanOrEqual(5);
    expect(inFlight).toBe(3);
  });
});

describe('a gateway that is killed with calls in flight', () => {
  it('never loses its spending, and its reservations are visible and expire', async () => {
    const gateways = await start({ a: { monthlyBudgetUsd: usdForCalls(10) } });
    // The reservations of a process that died before its responses came.
    const dead = new DynamoLedger(database.client, gateways.table, gateways.now);
    const key = { team: 'a', period: new Date(gateways.now()).toISOString().slice(0, 7) };
    const expiresAtEpochMs = gateways.now() + 300_000;
    const limit = budgets(10n * CALL_COST_PICO_USD);
    for (const id of ['x', 'y', 'z'])
      await dead.reserve(
        key,
        limit,
        buildReserveTerms(id, 3n * CALL_COST_PICO_USD, { nowEpochMs: gateways.now(), expiresAtEpochMs }),
      );

    // Until they expire they are reported separately from spent money.
    const report = async () => JSON.parse((await gateways.send('a', '/openai/v1/budget')).text);
    expect(await report()).toMatchObject({ spent_usd: '0', held_usd: '0.000153225', assumed_usd: '0' });
    const refused = await gateways.chat('a', { max_tokens: 1_000 });
    expect([refused.status, JSON.parse(refused.text).error.message]).toEqual([
      402,
      expect.stringContaining('has spent $0 of its monthly budget of $0.00017025, $0.000153225 is held'),
    ]);
    expect(await sweepLedgers(gateways.ledger, ['a'], gateways.now())).toMatchObject({ expired: 0, open: 3 });
    expect(await sweepLedgers(gateways.ledger, ['a'], expiresAtEpochMs)).toMatchObject({ expired: 3, open: 0 });
    expect(await report()).toMatchObject({ spent_usd: '0.000153225', held_usd: '0', assumed_usd: '0.000153225' });
  });

  it('never makes every later write of its team more expensive', async () => {
    const table = `lapsed-${randomUUID()}`;
    await ensureTable(database.client, table);
    let nowEpochMs = START_MS;
    const ledger = new DynamoLedger(database.client, table, () => nowEpochMs);
    const key = { team: 'a', period: PERIOD };
    const crash = async (round: number) => {
      for (let n = 0; n < 150; n++)
        await ledger.reserve(
          key,
          budgets(10n ** 9n),
          buildReserveTerms(`${round}-${n}`, 10n, { nowEpochMs, expiresAtEpochMs: nowEpochMs + 1 }),
        );
      nowEpochMs += 300_000;
      await ledger.sweep(key, nowEpochMs);
    };
    await crash(0);
    expect((await ledger.read(key))?.lapsed.size).toBe(150);
    nowEpochMs += HOUR_MS;
    expect(await ledger.sweep(key, nowEpochMs)).toMatchObject({ expired: 0 });
    const state = await ledger.read(key);
    expect([state?.lapsed.size, state?.assumedPicoUsd, state?.spentPicoUsd]).toEqual([0, 1_500n, 1_500n]);
    // The sweep's last write lists what expired; the next settlement replaces the list.
    expect(await itemBytes(table, 'a')).toBeLessThan(8 * 1_024);
  });
});

describe('a busy team', () => {
  const open = async () => {
    const table = `busy-${randomUUID()}`;
    await ensureTable(database.client, table);
    return { table, ledger: new DynamoLedger(database.client, table, () => START_MS) };
  };
  const longest = { keyId: 'k'.repeat(12), model: 'meta-llama/llama-4-maverick-17b-128e-instruct' };
  const termsFor = (cost: bigint) => {
    const terms = buildReserveTerms(randomUUID(), cost);
    return { ...terms, reservation: { ...terms.reservation, ...longest } };
  };

  it('never makes its ledger item larger than 40 KiB, however many calls are in flight', async () => {
    const { table, ledger } = await open();
    const key = { team: 'a', period: PERIOD };
    const calls = Array.from({ length: 200 }, () => termsFor(10n ** 9n));
    for (const terms of calls)
      expect(await ledger.reserve(key, budgets(10n ** 14n), terms)).toMatchObject({ kind: 'reserved' });
    // The next one is refused, so this is the maximum.
    expect(await ledger.reserve(key, budgets(10n ** 14n), termsFor(1n))).toMatchObject({ kind: 'refused' });
    const full = await itemBytes(table, 'a');
    for (const terms of calls) await ledger.settle(key, terms, buildSettlement(10n ** 8n));
    const idle = await itemBytes(table, 'a');
    console.log(`a ledger item: ${full} bytes with 200 calls in flight, ${idle} with none`);
    expect(full).toBeLessThan(40 * 1_024);
    expect(idle).toBeLessThan(1_024);
  });

  it('never costs more than two writes per call, all to its own item', async () => {
    const { ledger } = await open();
    const limits = budgets(10n ** 14n);
    const call = async (team: string) => {
      const terms = termsFor(1_000n);
      await ledger.reserve({ team, period: PERIOD }, limits, terms);
      await ledger.settle({ team, period: PERIOD }, terms, buildSettlement(500n));
    };
    for (const team of ['a', 'b']) await call(team);
    const written: string[] = [];
    database.client.middlewareStack.add(
      (next, context) => async (args) => {
        const { Key } = args.input as { Key?: { pk?: { S?: string } } };
        written.push(`${context.commandName} ${JSON.stringify(Key)}`);
        return await next(args);
      },
      { step: 'initialize', name: 'written' },
    );
    try {
      for (let n = 0; n < 20; n++) await call('a');
    } finally {
      database.client.middlewareStack.remove('written');
    }
    const mine = `UpdateItemCommand ${JSON.stringify(ledgerItemKey({ team: 'a', period: PERIOD }))}`;
    expect(written).toEqual(Array(40).fill(mine));
  });
});

async function itemBytes(table: string, team: string): Promise<number> {
  const Key = ledgerItemKey({ team, period: PERIOD });
  const { Item } = await database.client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  return marshalledBytes(Item ?? {});
}
