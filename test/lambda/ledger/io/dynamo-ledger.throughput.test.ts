import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createDynamoClient } from '../../../../lambda/kernel/io/system.ts';
import { rateCostUs } from '../../../../lambda/kernel/rate-limit.ts';
import { DynamoBudgets } from '../../../../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoLedger } from '../../../../lambda/ledger/io/dynamo-ledger.ts';
import { VOID } from '../../../../lambda/ledger/reservation.ts';
import { budgets, buildReserveTerms, buildSettlement } from '../../../support/ledger/ledger-fixtures.ts';
import { startTestDatabase, type TestDatabase } from '../../../support/ledger/test-database.ts';

let database: TestDatabase;
/** Counts commands by their outcome: `ok`, or the error's name. */
const outcomes = new Map<string, number>();
beforeAll(async () => {
  database = await startTestDatabase('ledger');
  // The client of the deployed functions reads these.
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', database.endpoint);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await database.close();
});

/** Returns a ledger with its own client and caches, like another process. */
function startProcess(): DynamoLedger {
  const client = createDynamoClient();
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const count = (outcome: string) => {
        const name = `${String(context.commandName).replace('Command', '')} ${outcome}`;
        outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
      };
      try {
        const result = await next(args);
        count('ok');
        return result;
      } catch (error) {
        count(error instanceof Error ? error.name : 'failed');
        throw error;
      }
    },
    { step: 'deserialize', name: 'outcomes', priority: 'high' },
  );
  return new DynamoLedger(client, 'ledger', Date.now);
}

const CALLS = 2_000;
const IN_FLIGHT = 200;
const PROCESSES = 4;
const LIMIT = 10n ** 15n;
const PERIOD = '2026-11';

/** The outcomes of calls, and their shares in percent. */
const OUTCOMES = [
  ['settled', 71],
  ['voided', 10],
  ['duplicated', 10],
  ['assumed', 5],
  ['above its bound', 2],
  ['abandoned', 1],
  ['settled after it lapsed', 1],
] as const;
type Outcome = (typeof OUTCOMES)[number][0];
const OUTCOMES_OF_100: readonly Outcome[] = OUTCOMES.flatMap(([end, share]) => Array<Outcome>(share).fill(end));

/** Returns a generator of numbers from 0 to 1 that is the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Call = { readonly n: number; readonly end: Outcome; readonly bound: bigint; readonly cost: bigint };

function generateCalls(): readonly Call[] {
  const random = randomFrom(20_261_125);
  return Array.from({ length: CALLS }, (_, n) => {
    const end = OUTCOMES_OF_100[Math.floor(random() * OUTCOMES_OF_100.length)] ?? 'settled';
    const bound = 1n + BigInt(Math.floor(random() * 1e10));
    const share = BigInt(Math.floor(random() * 1_001));
    return { n, end, bound, cost: end === 'above its bound' ? bound + share : (bound * share) / 1_000n };
  });
}

/** Computes the expected totals call by call, without a ledger. */
function expectedTotals(calls: readonly Call[]) {
  const sum = { spentPicoUsd: 0n, assumedPicoUsd: 0n, overrunPicoUsd: 0n };
  for (const { end, bound, cost } of calls) {
    if (end === 'voided') continue;
    const isAssumed = end === 'assumed' || end === 'abandoned';
    sum.spentPicoUsd += isAssumed ? bound : cost;
    sum.assumedPicoUsd += isAssumed ? bound : 0n;
    sum.overrunPicoUsd += cost > bound ? cost - bound : 0n;
  }
  return sum;
}

it('never loses or doubles a pico-dollar of one team with 200 calls in flight from several processes', async () => {
  const processes = Array.from({ length: PROCESSES }, startProcess);
  const ledgerFor = (n: number) => processes[n % PROCESSES] as DynamoLedger;
  const key = { team: 'busy', period: PERIOD };
  const of = budgets(LIMIT, 10n * LIMIT);
  let concurrencyRefusals = 0;

  const runCall = async ({ n, end, bound, cost }: Call) => {
    const nowEpochMs = Date.now();
    const isLate = end === 'abandoned' || end === 'settled after it lapsed';
    const terms = buildReserveTerms(`call-${n}`, bound, {
      nowEpochMs,
      // An abandoned call is overdue immediately, so admissions and sweeps may expire it at any time.
      expiresAtEpochMs: isLate ? nowEpochMs : nowEpochMs + 300_000,
      maxConcurrent: IN_FLIGHT,
      rpmCostUs: rateCostUs(1, 30_000),
      tpmCostUs: rateCostUs(1_000, 100_000_000),
    });
    while ((await ledgerFor(n).reserve(key, of, terms)).kind === 'refused') concurrencyRefusals++;
    if (end === 'abandoned') return;
    if (end === 'settled after it lapsed') await ledgerFor(n + 1).sweep(key, Date.now());
    const settlement =
      end === 'voided'
        ? { ...VOID, tpmRefundUs: terms.tpmCostUs }
        : buildSettlement(end === 'assumed' ? bound : cost, { assumed: end === 'assumed', tpmRefundUs: 300 });
    await ledgerFor(n).settle(key, terms, settlement);
    if (end === 'duplicated') await ledgerFor(n + 1).settle(key, terms, settlement);
  };

  await new DynamoBudgets(database.client, 'ledger', Date.now).setLimit(key, of.team);
  outcomes.clear();
  const calls = generateCalls();
  const next = calls.values();
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (const call of next) await runCall(call);
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  const { user, system } = process.cpuUsage(startCpu);
  await ledgerFor(0).sweep(key, Date.now());

  const expected = expectedTotals(calls);
  const state = await ledgerFor(0).read(key);
  expect(state).toMatchObject({
    ...expected,
    limitPicoUsd: LIMIT,
    reservedPicoUsd: 0n,
    availablePicoUsd: LIMIT - expected.spentPicoUsd,
  });
  expect(state?.open.size).toBe(0);
  // The organisation has granted exactly what the team holds.
  const organization = await ledgerFor(0).readOrganization(PERIOD);
  expect(organization?.grantedPicoUsd).toBe(expected.spentPicoUsd + (state?.leasedPicoUsd ?? 0n));

  const count = (name: string) => outcomes.get(name) ?? 0;
  const made = count('UpdateItem ok') + 2 * count('TransactWriteItems ok');
  console.log(
    `${CALLS} requests in ${seconds.toFixed(1)} s, ${(CALLS / seconds).toFixed(0)} a second, ${((user + system) / 1_000 / CALLS).toFixed(1)} ms of this process's CPU each; ${(made / CALLS).toFixed(3)} writes a request; ` +
      `${JSON.stringify(Object.fromEntries(outcomes))}; calls that waited for a place: ${concurrencyRefusals}`,
  );
  expect(made / CALLS).toBeLessThanOrEqual(2.1);
}, 180_000);
