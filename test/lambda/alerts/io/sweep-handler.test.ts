import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSweepHandler } from '../../../../lambda/alerts/io/sweep-handler.ts';
import { DynamoLedger } from '../../../../lambda/ledger/io/dynamo-ledger.ts';
import { ledgerItemKey, reservationValue } from '../../../../lambda/ledger/io/ledger-item.ts';
import type { LedgerState, ReserveTerms } from '../../../../lambda/ledger/reservation.ts';
import type { SweepableLedger } from '../../../../lambda/ledger/sweep.ts';
import { ensureTable } from '../../../../local/dynamodb/tables.ts';
import { lambdaContext } from '../../../../local/host/lambda-runtime.ts';
import { alertDeliveryWith, MemoryAlertRepository } from '../../../support/alert-delivery.ts';
import { catalog, policyWith } from '../../../support/catalog.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { budgets, buildReserveTerms, buildSettlement, START_MS } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

const PERIOD = '2026-11';
const HOUR_MS = 3_600_000;

/** Runs one sweep over these teams, and returns the line it wrote. */
async function sweep(ledger: SweepableLedger, teams: readonly string[]): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const policies = new Map(teams.map((team) => [team, { ...policyWith(), team }]));
  const handler = createSweepHandler({
    policies: { policies: async () => ({ teams: policies, catalog }) },
    ledger,
    clock: fakeClock(),
    alerts: alertDeliveryWith(new MemoryAlertRepository()).ports,
    environmentName: 'test',
    write: (line) => lines.push(line),
  });
  await handler({}, lambdaContext('sweeper', 'r', 60_000)).catch((error: Error) =>
    lines.push(JSON.stringify({ error: error.message })),
  );
  // Budget statuses are tested in sweep-handler.metrics.test.ts.
  const own = lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== 'budget_status');
  return Object.assign({}, ...own);
}

describe('the sweep', () => {
  it('charges expired reservations their maximum cost, and leaves the others', async () => {
    const ledger = new DynamoLedger(database.client, 'ledger', () => START_MS);
    const key = { team: 'swept', period: PERIOD };
    await ledger.reserve(key, budgets(1_000n), buildReserveTerms('late', 300n, { expiresAtEpochMs: START_MS - 1 }));
    await ledger.reserve(key, budgets(1_000n), buildReserveTerms('flying', 200n));
    expect(await sweep(ledger, ['swept', 'never-called'])).toMatchObject({
      ExpiredReservations: 1,
      open: 1,
      ledgers: 1,
    });
    expect(await ledger.read(key)).toMatchObject({
      spentPicoUsd: 300n,
      assumedPicoUsd: 300n,
      reservedPicoUsd: 200n,
      availablePicoUsd: 500n,
    });
    expect(await sweep(ledger, ['swept'])).toMatchObject({ ExpiredReservations: 0 });
    // The late call returns after all: its actual cost replaces the maximum, once.
    for (let attempt = 0; attempt < 2; attempt++)
      await ledger.settle(key, buildReserveTerms('late', 300n), buildSettlement(100n));
    expect(await ledger.read(key)).toMatchObject({ spentPicoUsd: 100n, assumedPicoUsd: 0n, availablePicoUsd: 700n });
  });

  it('expires reservations of a former team', async () => {
    await ensureTable(database.client, 'removed');
    const ledger = new DynamoLedger(database.client, 'removed', () => START_MS);
    const key = { team: 'removed', period: PERIOD };
    await ledger.reserve(key, budgets(1_000n), buildReserveTerms('last', 300n, { expiresAtEpochMs: START_MS - 1 }));
    expect(await sweep(ledger, ['others'])).toMatchObject({ ExpiredReservations: 1 });
    expect(await ledger.read(key)).toMatchObject({ reservedPicoUsd: 0n, spentPicoUsd: 300n });
  });

  it('writes metrics in dollars for the whole environment as an EMF line', async () => {
    const ledger = new DynamoLedger(database.client, 'ledger', () => START_MS);
    const key = { team: 'over', period: PERIOD };
    await ledger.reserve(key, budgets(10n ** 12n), buildReserveTerms('a', 1_000_000n));
    await ledger.settle(key, buildReserveTerms('a', 1_000_000n), buildSettlement(3_000_000n));
    expect(await sweep(ledger, ['over'])).toMatchObject({
      Environment: 'test',
      OverrunUsd: 0.000002,
      _aws: { CloudWatchMetrics: [{ Namespace: 'GroqGateway', Dimensions: [['Environment']] }] },
    });
  });

  it('sweeps every other ledger if one fails, and then fails with its name', async () => {
    const swept: string[] = [];
    const ledger: SweepableLedger = {
      sweep: async ({ team }) => {
        if (team === 'broken') throw new Error('no');
        swept.push(team);
        return undefined;
      },
      sweepCap: async () => undefined,
      readOrganization: async () => undefined,
    };
    expect(await sweep(ledger, ['a', 'broken', 'c'])).toMatchObject({
      error: 'could not sweep the ledgers of broken',
      ledgers: 0,
    });
    expect(swept.sort()).toEqual(['a', 'c']);
  });

  it('expires 10,000 abandoned reservations of 60 teams while calls are admitted', async () => {
    const teams = Array.from({ length: 60 }, (_, n) => `crashed-${n}`);
    const each = Math.ceil(10_000 / teams.length);
    const before = new DynamoLedger(database.client, 'ledger', () => START_MS);
    const limits = budgets(10n ** 9n);
    const abandon = async (team: string) => {
      const key = { team, period: PERIOD };
      const late = Array.from({ length: each }, (_, n) =>
        buildReserveTerms(`${team}-${n}`, 1_000n, { expiresAtEpochMs: START_MS + HOUR_MS }),
      );
      await before.reserve(key, limits, late[0] as ReserveTerms);
      // The others are written at once, in the state that as many reserves would leave.
      const held = { ':held': { N: String(1_000 * (each - 1)) } };
      const M = Object.fromEntries(late.map(({ reservation }) => [reservation.id, reservationValue(reservation)]));
      await database.client.send(
        new UpdateItemCommand({
          TableName: 'ledger',
          Key: ledgerItemKey(key),
          UpdateExpression:
            'SET #open = :open, reserved = reserved + :held, available = available - :held, leased = leased - :held',
          ExpressionAttributeNames: { '#open': 'open' },
          ExpressionAttributeValues: { ...held, ':open': { M } },
        }),
      );
    };
    await Promise.all(teams.map(abandon));

    // Another process after the reservations have expired.
    const ledger = new DynamoLedger(database.client, 'ledger', () => START_MS + 2 * HOUR_MS);
    let isSweeping = true;
    const admitted: string[] = [];
    const admit = async () => {
      for (let n = 0; isSweeping; n++) {
        const team = teams[n % teams.length] ?? '';
        const terms = buildReserveTerms(`live-${n}`, 10n, { nowEpochMs: START_MS + 2 * HOUR_MS });
        admitted.push((await ledger.reserve({ team, period: PERIOD }, limits, terms)).kind);
        await ledger.settle({ team, period: PERIOD }, terms, buildSettlement(10n));
      }
    };
    const later: SweepableLedger = {
      sweep: async (key) => await ledger.sweep(key, START_MS + 2 * HOUR_MS),
      sweepCap: async () => undefined,
      readOrganization: async () => undefined,
    };
    const admitting = admit();
    const report = await sweep(later, teams);
    isSweeping = false;
    await admitting;

    expect(report).toMatchObject({ ExpiredReservations: each * teams.length, ledgers: 60 });
    expect(admitted.length).toBeGreaterThan(10);
    expect(new Set(admitted)).toEqual(new Set(['reserved']));
    for (const team of teams) {
      const state: LedgerState | undefined = await ledger.read({ team, period: PERIOD });
      expect(state).toMatchObject({ reservedPicoUsd: 0n, assumedPicoUsd: BigInt(each) * 1_000n });
      expect((state?.availablePicoUsd ?? 0n) + (state?.spentPicoUsd ?? 0n)).toBe(10n ** 9n);
    }
  }, 180_000);
});
