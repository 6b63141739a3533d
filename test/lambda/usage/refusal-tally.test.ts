import { beforeEach, expect, it, vi } from 'vitest';
import { type RefusalBatch, RefusalTally, type RefusedRequest } from '../../../lambda/usage/refusal-tally.ts';
import { START_MS } from '../../support/ledger/ledger-fixtures.ts';

let nowMs: number;
let written: RefusalBatch[];
let isDown: boolean;
let logged: string[];
let tally: RefusalTally;
beforeEach(() => {
  [nowMs, written, isDown, logged] = [0, [], false, []];
  let ids = 0;
  tally = new RefusalTally({
    store: {
      write: async (batch) => {
        if (isDown) throw new Error('down');
        written.push(batch);
      },
    },
    clock: { nowEpochMs: () => START_MS + nowMs, monotonicMs: () => nowMs },
    newId: () => `batch-${ids++}`,
    log: (event) => logged.push(event),
  });
});
const REQUEST: RefusedRequest = { team: 'a', keyId: 'k1', model: 'm', reason: 'team_paused' };
const ROW = { day: '2026-11-24', keyId: 'k1', model: 'm' };

it('writes the first refusal at once, and a flood of further ones once a second', async () => {
  tally.note(REQUEST);
  await tally.flushDue();
  expect(written).toEqual([{ id: 'batch-0', team: 'a', rows: [{ ...ROW, refusals: { team_paused: 1 } }] }]);
  for (let count = 0; count < 5_000; count++) {
    tally.note(count % 2 === 0 ? REQUEST : { ...REQUEST, reason: 'requests_exceeded' });
    await tally.flushDue();
  }
  expect(written).toHaveLength(1);
  nowMs = 1_000;
  await tally.flushDue();
  await tally.flushDue();
  expect(written.slice(1)).toEqual([
    { id: 'batch-1', team: 'a', rows: [{ ...ROW, refusals: { team_paused: 2_500, requests_exceeded: 2_500 } }] },
  ]);
});

it('writes batches one after another, even if a write takes longer than a second', async () => {
  const release: (() => void)[] = [];
  const slow = new RefusalTally({
    store: {
      write: async (batch) => {
        await new Promise<void>((resolve) => release.push(resolve));
        written.push(batch);
      },
    },
    clock: { nowEpochMs: () => START_MS + nowMs, monotonicMs: () => nowMs },
    newId: () => `batch-${written.length}`,
    log: (event) => logged.push(event),
  });
  slow.note(REQUEST);
  const first = slow.flushDue();
  await vi.waitFor(() => expect(release).toHaveLength(1));
  nowMs = 5_000;
  slow.note(REQUEST);
  await slow.flushDue();
  expect(release).toHaveLength(1);
  release[0]?.();
  await first;
  const second = slow.flushDue();
  await vi.waitFor(() => expect(release).toHaveLength(2));
  release[1]?.();
  await second;
  expect(written.map(({ id, rows }) => [id, rows])).toEqual([
    ['batch-0', [{ ...ROW, refusals: { team_paused: 1 } }]],
    ['batch-1', [{ ...ROW, refusals: { team_paused: 1 } }]],
  ]);
});

it('limits the write rate of each team separately', async () => {
  tally.note(REQUEST);
  await tally.flushDue();
  tally.note({ ...REQUEST, team: 'b' });
  await tally.flushDue();
  expect(written.map(({ team }) => team)).toEqual(['a', 'b']);
});

it('retries a failed batch under its id, and writes new refusals under another', async () => {
  isDown = true;
  tally.note(REQUEST);
  await tally.flushDue();
  tally.note(REQUEST);
  await tally.flushDue();
  expect([written, logged]).toEqual([[], ['refusals_write_failed']]);
  isDown = false;
  nowMs = 1_000;
  await tally.flushDue();
  expect(written.map(({ id, rows }) => [id, rows[0]?.refusals])).toEqual([
    ['batch-0', { team_paused: 1 }],
    ['batch-1', { team_paused: 1 }],
  ]);
});

it('limits the number of rows, and counts further models without a name, so that no refusal is lost', async () => {
  for (let model = 0; model < 1_000; model++) tally.note({ ...REQUEST, model: `m${model}` });
  await tally.flushAll();
  const rows = written.flatMap((batch) => batch.rows);
  expect(rows).toHaveLength(201);
  expect(rows.find(({ model }) => model === '')?.refusals).toEqual({ team_paused: 800 });
  // A batch and its marker must fit into a transaction of 100 items.
  expect(Math.max(...written.map((batch) => batch.rows.length))).toBeLessThan(100);
});

it('writes everything at the end of the process, even if it is not due', async () => {
  tally.note(REQUEST);
  await tally.flushDue();
  tally.note(REQUEST);
  await tally.flushAll();
  expect(written).toHaveLength(2);
});
