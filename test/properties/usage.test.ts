import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { picoUsd } from '../../lambda/kernel/money.ts';
import { NO_TRACE } from '../../lambda/ledger/call-trace.ts';
import type { LedgerEnd } from '../../lambda/ledger/reservation-end.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { ensureTable } from '../../local/dynamodb/tables.ts';
import { type Fault, FaultyClient } from '../support/ledger/faulty-client.ts';
import { START_MS } from '../support/ledger/ledger-fixtures.ts';
import { buildLedgerEnd } from '../support/ledger/reservation-ends.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
let faulty: FaultyClient;
beforeAll(async () => {
  database = await startTestDatabase();
  faulty = new FaultyClient(database.endpoint);
});
afterAll(async () => {
  faulty.client.destroy();
  await database.close();
});

/** A call and its outcome, from which the model computes usage without looking at ends. */
type Call = {
  readonly outcome: 'settled' | 'assumed' | 'voided' | 'expired' | 'corrected' | 'late void';
  readonly team: string;
  readonly keyId: string;
  readonly model: string;
  readonly dayOffset: number;
  readonly costPicoUsd: bigint;
  readonly maxCostPicoUsd: bigint;
  readonly tokens: number;
  readonly groqKey: string;
  /** The number of keys that Groq refused before. */
  readonly refusals: number;
};

const arbitraryCall: fc.Arbitrary<Call> = fc.record({
  outcome: fc.constantFrom('settled', 'assumed', 'voided', 'expired', 'corrected', 'late void'),
  team: fc.constantFrom('a', 'b'),
  keyId: fc.constantFrom('k1', 'k2'),
  model: fc.constantFrom('m', 'n'),
  dayOffset: fc.nat({ max: 2 }),
  costPicoUsd: fc.bigInt({ min: 1n, max: 10n ** 20n }),
  maxCostPicoUsd: fc.bigInt({ min: 1n, max: 10n ** 20n }),
  tokens: fc.integer({ min: 1, max: 100_000 }),
  groqKey: fc.constantFrom('g1', 'g2'),
  refusals: fc.nat({ max: 3 }),
});

const NOTHING = { costPicoUsd: picoUsd(0n), promptTokens: 0, cachedTokens: 0, completionTokens: 0, trace: NO_TRACE };

const REFUSED = ['r1', 'r2', 'r3'];

/** Builds the ends that the ledger's stream delivers for a call. */
function buildCallEnds(call: Call, index: number): readonly LedgerEnd[] {
  const { keyId, model, team } = call;
  const bound = picoUsd(call.maxCostPicoUsd);
  const atEpochMs = START_MS + call.dayOffset * 86_400_000;
  const common = { ...NOTHING, id: `call-${index}`, keyId, model, maxCostPicoUsd: bound, atEpochMs };
  const truth = {
    costPicoUsd: picoUsd(call.costPicoUsd),
    promptTokens: call.tokens,
    cachedTokens: 1,
    completionTokens: 2,
  };
  const trace = { upstreamMs: 3, groqKeys: { usedId: call.groqKey, refusedIds: REFUSED.slice(0, call.refusals) } };
  const expired = buildLedgerEnd({ ...common, kind: 'expire', costPicoUsd: bound, assumed: true }, team);
  switch (call.outcome) {
    case 'settled':
      return [buildLedgerEnd({ ...common, kind: 'settle', ...truth, trace }, team)];
    case 'assumed':
      return [buildLedgerEnd({ ...common, kind: 'settle', costPicoUsd: bound, assumed: true, trace }, team)];
    case 'voided':
      return [buildLedgerEnd({ ...common, kind: 'void', trace }, team)];
    case 'expired':
      return [expired];
    case 'corrected':
      return [expired, buildLedgerEnd({ ...common, kind: 'correct', ...truth, trace }, team)];
    case 'late void':
      return [expired, buildLedgerEnd({ ...common, kind: 'correct', trace }, team)];
  }
}

/** The model: adds up the final outcome of each call. */
function expectedRows(calls: readonly Call[]): Record<string, string> {
  const rows: Record<string, [number, number, bigint, bigint, number, number]> = {};
  for (const { outcome, team, keyId, model, dayOffset, costPicoUsd, maxCostPicoUsd, tokens } of calls) {
    const name = `${team} 2026-11-${24 + dayOffset} ${keyId} ${model}`;
    const [requests, prompt, cost, assumed, voided, expired] = rows[name] ?? [0, 0, 0n, 0n, 0, 0];
    const isVoid = outcome === 'voided' || outcome === 'late void';
    const isKnown = outcome === 'settled' || outcome === 'corrected';
    const unknown = isVoid || isKnown ? 0n : maxCostPicoUsd;
    rows[name] = [
      requests + (isVoid ? 0 : 1),
      prompt + (isKnown ? tokens : 0),
      cost + (isKnown ? costPicoUsd : unknown),
      assumed + unknown,
      voided + (isVoid ? 1 : 0),
      expired + (outcome === 'expired' ? 1 : 0),
    ];
  }
  return Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, row.join(' ')]));
}

/** The model of Groq keys: a call that its gateway ended counts for its key, an expired one for none. */
function expectedKeyUses(calls: readonly Call[], team: string): Record<string, number> {
  const rows: Record<string, number> = {};
  const add = (keyId: string, what: string, dayOffset: number) => {
    const name = `2026-11-${24 + dayOffset}T00 ${keyId} ${what}`;
    rows[name] = (rows[name] ?? 0) + 1;
  };
  for (const call of calls.filter((one) => one.team === team && one.outcome !== 'expired')) {
    add(call.groqKey, 'requests', call.dayOffset);
    for (const keyId of REFUSED.slice(0, call.refusals)) add(keyId, 'refused', call.dayOffset);
  }
  return rows;
}

type Delivery = { readonly ends: readonly number[]; readonly fault: Fault | undefined };
const arbitraryDelivery: fc.Arbitrary<Delivery> = fc.record({
  ends: fc.array(fc.nat(), { maxLength: 70 }),
  fault: fc.constantFrom<(Fault | undefined)[]>(
    undefined,
    { kind: 'crash', after: 0 },
    { kind: 'crash', after: 1 },
    { kind: 'lost reply', at: 1 },
    { kind: 'duplicated', at: 1 },
    { kind: 'lost reply', at: 2 },
  ),
});

let runs = 0;

it('counts the same usage whatever fails, and in whatever order, batches and repetition ends are delivered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryCall, { minLength: 1, maxLength: 60 }),
      fc.array(arbitraryDelivery, { maxLength: 6 }),
      fc.infiniteStream(fc.nat({ max: 999 })),
      async (calls, deliveries, order) => {
        const table = `usage-${runs++}`;
        await ensureTable(database.client, table);
        const usage = new DynamoUsage(faulty.client, table, () => START_MS);
        const all = calls.flatMap(buildCallEnds);
        for (const { ends, fault } of deliveries) {
          faulty.injectFault(fault);
          const some = ends.map((number) => all[number % all.length]).filter((end) => end !== undefined);
          // A failed batch is delivered again later.
          await usage.count(some).catch(() => undefined);
        }
        faulty.injectFault(undefined);
        const shuffled = all.map((end) => ({ end, at: order.next().value ?? 0 })).sort((a, b) => a.at - b.at);
        await usage.count(shuffled.map(({ end }) => end));
        expect(await usage.count(all)).toBe(0);
        const rows = [
          ...(await usage.listRows('a', '2026-11-01', '2026-11-30')),
          ...(await usage.listRows('b', '2026-11-01', '2026-11-30')),
        ].map(({ team, day, keyId, model, ...row }) => [
          `${team} ${day} ${keyId} ${model}`,
          [row.requests, row.promptTokens, row.costPicoUsd, row.assumedPicoUsd, row.voided, row.expired].join(' '),
        ]);
        expect(Object.fromEntries(rows)).toEqual(expectedRows(calls));
        for (const team of ['a', 'b']) {
          const uses = (await usage.readGroqKeyUse(team, '2026-11-24T00', '2026-11-30T23')).flatMap((use) =>
            (['requests', 'refused', 'failed'] as const)
              .filter((what) => use[what] > 0)
              .map((what) => [`${use.hour} ${use.keyId} ${what}`, use[what]]),
          );
          expect(Object.fromEntries(uses)).toEqual(expectedKeyUses(calls, team));
        }
      },
    ),
    { numRuns: 40 },
  );
});
