import type { DynamoDBStreamEvent } from 'aws-lambda';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { createProjectorHandler } from '../../lambda/usage/io/projector-handler.ts';
import { DynamoRefusals } from '../../lambda/usage/io/refusal-item.ts';
import { type RefusalStore, RefusalTally, type RefusedRequest } from '../../lambda/usage/refusal-tally.ts';
import { StreamClient, type StreamRecord } from '../../local/dynamodb/stream-client.ts';
import { createTables, localTableNames } from '../../local/dynamodb/tables.ts';
import { lambdaContext } from '../../local/host/lambda-runtime.ts';
import { type Fault, FaultyClient } from '../support/ledger/faulty-client.ts';
import { START_MS } from '../support/ledger/ledger-fixtures.ts';
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

const arbitraryFault = fc.constantFrom<(Fault | undefined)[]>(
  undefined,
  { kind: 'crash', after: 0 },
  { kind: 'crash', after: 1 },
  { kind: 'lost reply', at: 1 },
  { kind: 'duplicated', at: 1 },
);
const arbitraryRefusal: fc.Arbitrary<RefusedRequest> = fc.record({
  team: fc.constantFrom('a', 'b'),
  keyId: fc.constantFrom('k1', 'k2'),
  model: fc.constantFrom('m', ''),
  reason: fc.constantFrom('team_paused', 'team_budget_exceeded', 'requests_exceeded'),
});
/** Some requests of one process, the time after them, and what goes wrong with what is written then. */
const arbitraryBurst = fc.record({
  process: fc.nat({ max: 2 }),
  refusals: fc.array(arbitraryRefusal, { maxLength: 8 }),
  afterMs: fc.constantFrom(0, 400, 1_000, 86_400_000),
  fault: arbitraryFault,
  /** True when the batch is written and its writer gets an error. */
  isReplyLost: fc.boolean(),
});
const arbitraryDelivery = fc.record({ records: fc.array(fc.nat(), { maxLength: 20 }), fault: arbitraryFault });

async function readAllRecords(stream: StreamClient): Promise<readonly StreamRecord[]> {
  const all: StreamRecord[] = [];
  for (const shardId of await stream.shardIds()) {
    let iterator = await stream.iterator(shardId, undefined);
    while (iterator !== undefined) {
      const { records, next } = await stream.read(iterator);
      if (records.length === 0) break;
      all.push(...records);
      iterator = next;
    }
  }
  return all;
}

let runs = 0;

it('counts each refusal once, whatever fails and in whatever order, batches and repetition it is delivered', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryBurst, { minLength: 1, maxLength: 12 }),
      fc.array(arbitraryDelivery, { maxLength: 6 }),
      async (bursts, deliveries) => {
        const name = `refused${runs++}`;
        const streamArn = await createTables(database.client, localTableNames(name));
        let [nowMs, ids] = [0, 0];
        const clock = { nowEpochMs: () => START_MS + nowMs, monotonicMs: () => nowMs };
        const table = new DynamoRefusals(faulty.client, `${name}-ledger`, clock.nowEpochMs);
        let losesReplies = false;
        const store: RefusalStore = {
          write: async (batch) => {
            await table.write(batch);
            if (losesReplies) throw new Error('the outcome was lost');
          },
        };
        const newId = () => `batch-${ids++}`;
        const processes = [0, 1, 2].map(() => new RefusalTally({ store, clock, newId, log: () => {} }));
        const model: Record<string, number> = {};
        for (const { process, refusals, afterMs, fault, isReplyLost } of bursts) {
          faulty.injectFault(fault);
          losesReplies = isReplyLost;
          for (const refused of refusals) {
            processes[process]?.note(refused);
            const day = new Date(clock.nowEpochMs()).toISOString().slice(0, 10);
            const row = `${refused.team} ${day} ${refused.keyId} ${refused.model} ${refused.reason}`;
            model[row] = (model[row] ?? 0) + 1;
          }
          await processes[process]?.flushDue();
          nowMs += afterMs;
        }
        faulty.injectFault(undefined);
        losesReplies = false;
        for (const process of processes) await process.flushAll();

        const records = await readAllRecords(new StreamClient(database.client, database.endpoint, streamArn));
        const usage = new DynamoUsage(faulty.client, `${name}-usage`, clock.nowEpochMs);
        const projector = createProjectorHandler({ usage, deliverAlerts: async () => {}, log: () => {} });
        const project = async (some: readonly (StreamRecord | undefined)[]) => {
          const event = { Records: some.filter((record) => record !== undefined) } as DynamoDBStreamEvent;
          return await projector(event, lambdaContext('projector', 'r', 60_000));
        };
        for (const delivery of deliveries) {
          faulty.injectFault(delivery.fault);
          await project(delivery.records.map((number) => records[number % records.length])).catch(() => undefined);
        }
        faulty.injectFault(undefined);
        expect(await project([...records].reverse())).toEqual({ batchItemFailures: [] });
        const counted: Record<string, number> = {};
        for (const team of ['a', 'b']) {
          for (const row of await usage.listRows(team, '2026-01-01', '2027-12-31')) {
            for (const [reason, count] of Object.entries(row.refusals))
              counted[`${team} ${row.day} ${row.keyId} ${row.model} ${reason}`] = count;
            expect([row.requests, row.costPicoUsd]).toEqual([0, 0n]);
          }
        }
        expect(counted).toEqual(model);
      },
    ),
    { numRuns: 40 },
  );
});
