import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { createProjectorHandler } from '../../lambda/usage/io/projector-handler.ts';
import { usageGap } from '../../lambda/usage/usage.ts';
import { StreamClient } from '../../local/dynamodb/stream-client.ts';
import { createTables, localTableNames } from '../../local/dynamodb/tables.ts';
import { lambdaContext } from '../../local/host/lambda-runtime.ts';
import { LedgerSimulation } from '../support/ledger/ledger-simulation.ts';
import { arbitraryStep, checkStepSequences, describeStep, type Step, TEAMS } from '../support/ledger/ledger-steps.ts';
import { startTestDatabase, type TestDatabase } from '../support/ledger/test-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(async () => await database.close());

const NO_GAP = { spentPicoUsd: 0n, assumedPicoUsd: 0n };
/** Long enough to shrink a failed sequence before it is reported. */
const SHRINK_TIMEOUT_MS = 300_000;
let runs = 0;

/** Runs steps on the real ledgers, reads their stream to its end, and compares usage with the ledgers. */
async function play(steps: readonly Step[]): Promise<void> {
  const name = `story${runs++}`;
  const streamArn = await createTables(database.client, localTableNames(name));
  const story = new LedgerSimulation(database.client, `${name}-ledger`);
  const called = new Set<number>();
  for (const step of steps) {
    // Ids of calls are unique in the gateway, but repeat in these steps.
    if (step.kind === 'reserve' && called.has(step.call)) continue;
    if (step.kind === 'reserve') called.add(step.call);
    await story.performStep(step);
  }
  const usage = new DynamoUsage(database.client, `${name}-usage`, () => story.nowEpochMs);
  const projector = createProjectorHandler({ usage, deliverAlerts: async () => {}, log: () => {} });
  const stream = new StreamClient(database.client, database.endpoint, streamArn);
  for (const shardId of await stream.shardIds()) {
    let iterator = await stream.iterator(shardId, undefined);
    while (iterator !== undefined) {
      const { records, next } = await stream.read(iterator);
      if (records.length === 0) break;
      const event = { Records: [...records] } as DynamoDBStreamEvent;
      const result = await projector(event, lambdaContext('projector', 'r', 60_000));
      expect(result).toEqual({ batchItemFailures: [] });
      iterator = next;
    }
  }
  for (const period of story.periods) {
    for (const team of TEAMS) {
      const state = await story.real.read({ team, period });
      if (state === undefined) continue;
      const rows = await usage.listRows(team, '2026-01-01', '2027-12-31');
      expect(usageGap(rows, period, state), `${team} in ${period}`).toEqual(NO_GAP);
      // A correction changes the row of its expiry, so no row becomes negative.
      for (const row of rows)
        expect(row.costPicoUsd >= 0n && row.assumedPicoUsd >= 0n && row.requests >= 0 && row.expired >= 0).toBe(true);
    }
  }
}

it(
  "adds up to the spending of every ledger, for any sequence of calls, late settlements, expiries, budgets, pauses and months' ends",
  async () => {
    // The organisation's cap has no effect on the usage of calls.
    const step = arbitraryStep.filter(({ kind }) => kind !== 'change cap' && kind !== 'top up cap');
    await checkStepSequences(step, play, describeStep, { maxLength: 60, numRuns: 40 });
  },
  SHRINK_TIMEOUT_MS,
);
