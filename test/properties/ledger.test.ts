import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoLedger } from '../../lambda/adapters/dynamo-ledger.ts';
import { type LedgerState, type ReserveTerms, VOID } from '../../lambda/core/ledger.ts';
import { picoUsd } from '../../lambda/core/money.ts';
import { ensureTable } from '../../local/tables.ts';
import { startTestDatabase, type TestDatabase } from '../support/embedded-ledger.ts';
import { budgets, START_MS, settlementOf, termsOf } from '../support/ledger-terms.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

const TEAMS = ['ant', 'bee', 'cat'] as const;
const PERIOD = '2026-11';
/** Longer than a draw trusts that the organisation is used up, in milliseconds. */
const STEP_MS = 300;

/** What may happen to the ledgers, in any order; a call is named by its number, and belongs to one team. */
type Step =
  | { kind: 'reserve'; call: number; cost: number; tokens: number }
  | { kind: 'settle'; call: number; share: number; assumed: boolean }
  | { kind: 'void'; call: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'change limit'; team: number; limit: number }
  | { kind: 'change cap'; cap: number };

const call = fc.nat({ max: 17 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      call,
      cost: fc.integer({ min: 1, max: 400 }),
      tokens: fc.integer({ min: 1, max: 900 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      call,
      // Above 100: a call that cost more than its bound.
      share: fc.integer({ min: 0, max: 110 }),
      assumed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), call }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('change limit' as const),
      team: fc.nat({ max: TEAMS.length - 1 }),
      limit: fc.integer({ min: 0, max: 2_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('change cap' as const), cap: fc.integer({ min: 0, max: 3_000 }) }),
  },
);

const RPM_COST_US = 10_000_000;
const TPM_COST_US_PER_TOKEN = 60_000;
let runs = 0;

/**
 * Plays a story of three teams under one cap on the model and on the real ledgers, and compares them after each step. A
 * crash is a call never settled.
 */
async function play(steps: readonly Step[]): Promise<void> {
  let nowEpochMs = START_MS;
  const table = `ledger-${runs++}`;
  await ensureTable(database.client, table);
  const model = new MemoryLedger(() => nowEpochMs);
  const real = new DynamoLedger(database.client, table, () => nowEpochMs);
  const calls = new Map<number, ReserveTerms>();
  const limits = TEAMS.map(() => 1_000n);
  let cap = 1_500n;
  const teamOf = (number: number) => number % TEAMS.length;
  const keyOf = (team: number) => ({ team: TEAMS[team] ?? '', period: PERIOD });
  for (const next of steps) {
    nowEpochMs += STEP_MS;
    switch (next.kind) {
      case 'wait':
        nowEpochMs += next.ms;
        break;
      case 'change limit':
        limits[next.team] = BigInt(next.limit);
        for (const ledger of [model, real]) await ledger.setLimit(keyOf(next.team), picoUsd(BigInt(next.limit)));
        break;
      case 'change cap':
        cap = BigInt(next.cap);
        for (const ledger of [model, real]) await ledger.setCap(PERIOD, picoUsd(cap));
        break;
      case 'reserve': {
        const terms =
          calls.get(next.call) ??
          termsOf(`call-${next.call}`, BigInt(next.cost), {
            nowEpochMs,
            expiresAtEpochMs: nowEpochMs + 60_000,
            maxConcurrent: 4,
            rpmCostUs: RPM_COST_US,
            tpmCostUs: next.tokens * TPM_COST_US_PER_TOKEN,
          });
        const team = teamOf(next.call);
        const of = budgets(limits[team] ?? 0n, cap);
        const expected = await model.reserve(keyOf(team), of, { ...terms, nowEpochMs });
        const { kind, ...rest } = await real.reserve(keyOf(team), of, { ...terms, nowEpochMs });
        expect(kind).toBe(expected.kind);
        if (expected.kind === 'refused') expect(rest).toMatchObject({ refused: expected.refused });
        if (kind === 'reserved') calls.set(next.call, terms);
        break;
      }
      case 'settle':
      case 'void': {
        const terms = calls.get(next.call);
        if (terms === undefined) break;
        const cost = next.kind === 'void' ? 0n : (terms.reservation.costPicoUsd * BigInt(next.share)) / 100n;
        const settlement =
          next.kind === 'void'
            ? { ...VOID, tpmRefundUs: terms.tpmCostUs }
            : settlementOf(cost, { assumed: next.assumed, tpmRefundUs: Math.floor(terms.tpmCostUs / 3) });
        for (const ledger of [model, real]) await ledger.settle(keyOf(teamOf(next.call)), terms, settlement);
        break;
      }
    }
    await compare(model, real);
  }
}

/** Both must hold the same in every ledger, and every invariant. */
async function compare(model: MemoryLedger, real: DynamoLedger): Promise<void> {
  let granted = 0n;
  for (const team of TEAMS) {
    const key = { team, period: PERIOD };
    const [expected, actual] = [await model.readState(key), await real.readState(key)];
    expect(actual).toEqual(expected);
    if (actual === undefined) continue;
    checkInvariants(actual);
    granted += actual.leased + actual.reserved + actual.spent;
  }
  const [expected, actual] = [await model.readOrganization(PERIOD), await real.readOrganization(PERIOD)];
  expect(actual).toEqual(expected);
  if (actual === undefined) return;
  expect(actual.available + actual.granted).toBe(actual.limit);
  expect(actual.granted).toBe(granted);
}

function checkInvariants(state: LedgerState): void {
  expect(state.available + state.reserved + state.spent).toBe(state.limit);
  const held = [...state.open.values()].reduce((sum, { costPicoUsd }) => sum + costPicoUsd, 0n);
  expect(state.reserved).toBe(held);
  expect(state.open.size).toBeLessThanOrEqual(4);
  expect(state.spent >= state.assumed && state.assumed >= 0n).toBe(true);
  // Nothing is leased that was not drawn; below zero only by what came in above its bound.
  expect(state.leased >= -state.overrun).toBe(true);
}

it('does the same as its model, and keeps the invariants, over any story of calls, crashes, repeats, budgets and caps', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 50 }), play), { numRuns: 150 });
});
