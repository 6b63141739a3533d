import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureTable } from '../../local/dynamodb/tables.ts';
import { type Fault, FaultyClient, SimulatedCrash } from '../support/ledger/faulty-client.ts';
import {
  checkInvariants,
  expectSameExceptLeases,
  LedgerSimulation,
  type RunOnLedger,
} from '../support/ledger/ledger-simulation.ts';
import { arbitraryStep, checkStepSequences, describeStep, type Step } from '../support/ledger/ledger-steps.ts';
import { RealLedger } from '../support/ledger/real-ledger.ts';
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

type FaultyStep = { readonly step: Step; readonly fault: Fault | undefined };

const position = fc.integer({ min: 1, max: 3 });
const arbitraryFault: fc.Arbitrary<Fault | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant('crash' as const), after: fc.nat({ max: 2 }) }),
  fc.record({ kind: fc.constant('lost reply' as const), at: position }),
  fc.record({ kind: fc.constant('duplicated' as const), at: position }),
);

function describeFaultyStep({ step, fault }: FaultyStep): string {
  if (fault === undefined) return describeStep(step);
  const where = fault.kind === 'crash' ? `after ${fault.after} writes` : `at write ${fault.at}`;
  return `${describeStep(step)} (${fault.kind} ${where}${fault.kind === 'crash' ? '; another process does it again' : ''})`;
}

/** Long enough to shrink a failed sequence before it is reported. */
const SHRINK_TIMEOUT_MS = 300_000;

let runs = 0;
let crashes = 0;

/**
 * Runs steps in which processes die between any two writes, replies are lost and requests arrive twice. Another process
 * repeats the step of a dead one. The money must then be the same as without the fault, and every invariant must hold at
 * all times.
 */
async function runSteps(steps: readonly FaultyStep[]): Promise<void> {
  const table = `ledger-${runs++}`;
  await ensureTable(database.client, table);
  const perform =
    (story: LedgerSimulation): RunOnLedger =>
    async (act) => {
      // A fresh process each time, without caches.
      const process = () => new RealLedger(faulty.client, table, () => story.nowEpochMs);
      try {
        return await act(process());
      } catch (error) {
        if (!isCrash(error)) throw error;
        crashes++;
        await checkInvariants(story);
        faulty.injectFault(undefined);
        return await act(process());
      }
    };
  const story = new LedgerSimulation(database.client, table, perform);
  for (const { step, fault } of steps) {
    faulty.injectFault(fault);
    await story.performStep(step);
    await expectSameExceptLeases(story);
  }
}

function isCrash(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof SimulatedCrash) return true;
  return false;
}

it(
  'loses and doubles no pico-dollar when processes die between any two writes, replies are lost and requests arrive twice',
  async () => {
    await checkStepSequences(fc.record({ step: arbitraryStep, fault: arbitraryFault }), runSteps, describeFaultyStep, {
      maxLength: 40,
      numRuns: 90,
    });
    expect(crashes).toBeGreaterThan(100);
  },
  SHRINK_TIMEOUT_MS,
);
