import { afterAll, beforeAll, it } from 'vitest';
import { ensureTable } from '../../local/dynamodb/tables.ts';
import { expectSameLedgers, LedgerSimulation } from '../support/ledger/ledger-simulation.ts';
import { arbitraryStep, checkStepSequences, describeStep, type Step } from '../support/ledger/ledger-steps.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

/** Long enough to shrink a failed sequence before it is reported. */
const SHRINK_TIMEOUT_MS = 300_000;

let runs = 0;

/**
 * Runs steps of three teams under one cap on the model and on the real ledgers, and compares them after each step. A call
 * that is never settled stands for the crash of a gateway.
 */
async function runSteps(steps: readonly Step[]): Promise<void> {
  const table = `ledger-${runs++}`;
  await ensureTable(database.client, table);
  const simulation = new LedgerSimulation(database.client, table);
  for (const step of steps) {
    await simulation.performStep(step);
    await expectSameLedgers(simulation);
  }
}

it(
  'does the same as its model, and keeps the invariants, for any sequence of calls, crashes, repeats, budgets, top-ups, pauses, caps and months',
  async () => {
    await checkStepSequences(arbitraryStep, runSteps, describeStep, { maxLength: 50, numRuns: 80 });
  },
  SHRINK_TIMEOUT_MS,
);
