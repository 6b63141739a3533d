import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureTable } from '../../local/dynamodb/tables.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/embedded-ledger.ts';
import { Crash, type Fault, FaultyClient } from '../support/ledger/faulty-client.ts';
import { checkInvariants, compareUpToLeases, type Perform, Story } from '../support/ledger/ledger-play.ts';
import { anyStep, checkStories, type Step, tell } from '../support/ledger/ledger-story.ts';
import { RealLedger } from '../support/ledger/real-ledger.ts';

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
const anyFault: fc.Arbitrary<Fault | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ kind: fc.constant('crash' as const), after: fc.nat({ max: 2 }) }),
  fc.record({ kind: fc.constant('lost reply' as const), at: position }),
  fc.record({ kind: fc.constant('told twice' as const), at: position }),
);

function tellFaulty({ step, fault }: FaultyStep): string {
  if (fault === undefined) return tell(step);
  const where = fault.kind === 'crash' ? `after ${fault.after} writes` : `at write ${fault.at}`;
  return `${tell(step)} (${fault.kind} ${where}${fault.kind === 'crash' ? '; another process does it again' : ''})`;
}

/** A story that fails is shrunk before it is told, which takes its time. */
const TELL_WITHIN_MS = 300_000;

let runs = 0;
let crashes = 0;

/**
 * Plays a story in which processes die between any two writes, replies are lost and requests arrive twice. What a dead
 * process was about, another does again; money must then stand as if nothing had happened, and at no moment in between
 * may an invariant be broken.
 */
async function play(steps: readonly FaultyStep[]): Promise<void> {
  const table = `ledger-${runs++}`;
  await ensureTable(database.client, table);
  const perform =
    (story: Story): Perform =>
    async (act) => {
      // A fresh process each time: it remembers nothing.
      const process = () => new RealLedger(faulty.client, table, () => story.nowEpochMs);
      try {
        return await act(process());
      } catch (error) {
        if (!isCrash(error)) throw error;
        crashes++;
        await checkInvariants(story);
        faulty.arm(undefined);
        return await act(process());
      }
    };
  const story = new Story(database.client, table, perform);
  for (const { step, fault } of steps) {
    faulty.arm(fault);
    await story.take(step);
    await compareUpToLeases(story);
  }
}

function isCrash(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Crash) return true;
  return false;
}

it(
  'loses and doubles no pico-dollar when processes die between any two writes, replies are lost and requests come twice',
  async () => {
    await checkStories(fc.record({ step: anyStep, fault: anyFault }), play, tellFaulty, { maxLength: 40, numRuns: 90 });
    expect(crashes).toBeGreaterThan(100);
  },
  TELL_WITHIN_MS,
);
