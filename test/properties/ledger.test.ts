import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoLedger } from '../../lambda/adapters/dynamo-ledger.ts';
import { type LedgerState, type ReserveTerms, VOID } from '../../lambda/core/ledger.ts';
import { picoUsd } from '../../lambda/core/money.ts';
import { startTestDatabase, type TestDatabase } from '../support/embedded-ledger.ts';
import { START_MS, settlementOf, termsOf } from '../support/ledger-terms.ts';
import { MemoryLedger } from '../support/memory-ledger.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase('ledger');
});
afterAll(async () => await database.close());

/** What may happen to a ledger, in any order; a call is named by its number. */
type Step =
  | { kind: 'reserve'; call: number; cost: number; tokens: number }
  | { kind: 'settle'; call: number; share: number; assumed: boolean }
  | { kind: 'void'; call: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'change limit'; limit: number };

const call = fc.nat({ max: 11 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
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
      share: fc.integer({ min: 0, max: 100 }),
      assumed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), call }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('change limit' as const), limit: fc.integer({ min: 0, max: 2_000 }) }),
  },
);

const RPM_COST_US = 10_000_000;
const TPM_COST_US_PER_TOKEN = 60_000;
let runs = 0;

/** Plays a story on the model and on the real ledger, and compares them after each step. A crash is a call never settled. */
async function play(steps: readonly Step[]): Promise<void> {
  let nowEpochMs = START_MS;
  const model = new MemoryLedger(() => nowEpochMs);
  const real = new DynamoLedger(database.client, 'ledger', () => nowEpochMs);
  const key = { team: `run-${runs++}`, period: '2026-11' };
  const calls = new Map<number, ReserveTerms>();
  let limit = picoUsd(1_000n);
  for (const next of steps) {
    switch (next.kind) {
      case 'wait':
        nowEpochMs += next.ms;
        break;
      case 'change limit':
        limit = picoUsd(BigInt(next.limit));
        for (const ledger of [model, real]) await ledger.setLimit(key, limit);
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
        const expected = await model.reserve(key, limit, { ...terms, nowEpochMs });
        const { kind, ...rest } = await real.reserve(key, limit, { ...terms, nowEpochMs });
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
        for (const ledger of [model, real]) await ledger.settle(key, terms, settlement);
        break;
      }
    }
    const [expected, actual] = [await model.readState(key), await real.readState(key)];
    expect(actual).toEqual(expected);
    if (actual !== undefined) checkInvariants(actual);
  }
}

function checkInvariants(state: LedgerState): void {
  expect(state.available + state.reserved + state.spent).toBe(state.limit);
  const held = [...state.open.values()].reduce((sum, { costPicoUsd }) => sum + costPicoUsd, 0n);
  expect(state.reserved).toBe(held);
  expect(state.open.size).toBeLessThanOrEqual(4);
  expect(state.spent >= state.assumed && state.assumed >= 0n).toBe(true);
}

it('does the same as its model, and keeps the invariant, over any story of calls, crashes, repeats and budget changes', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), play), { numRuns: 60 });
});
