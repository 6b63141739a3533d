import { quantile } from './load.ts';
import type { LoadGenerator } from './rotation/load-generator.ts';
import { RotationTestbed } from './rotation/rotation-testbed.ts';
import { newTestKey } from './rotation/simulated-secret.ts';

/*
 * Rotates a Groq key under load, with the deployed function and the real clock: `node bench/rotation.ts [rate] [processes]`.
 * Phases: ten seconds on the old key; the promotion and a canary of 75 seconds, after which every process knows the new key;
 * ten seconds of overlap in which no process may use the old key; its revocation, and ten seconds without it.
 * Usage is not counted to its end: every uncounted record of the stream slows the embedded database down.
 */
const [rate = 200, processes = 4] = process.argv.slice(2).map(Number);
const CANARY_MINUTES = 1.25;
const [STEADY_S, CANARY_S, OVERLAP_S, AFTER_S] = [10, CANARY_MINUTES * 60 + 5, 10, 10];

type Row = {
  phase: string;
  seconds: number;
  calls: number;
  'calls/s': number;
  failed: number;
  old: number;
  new: number;
};

const testbed = await RotationTestbed.open({ processes, canaryMinutes: CANARY_MINUTES });
const [old, next] = [newTestKey(), newTestKey()];
const rows: Row[] = [];

async function phase(name: string, seconds: number, load: LoadGenerator): Promise<Row> {
  const count = () => ({
    completed: load.completed,
    failed: load.failures.length,
    old: testbed.fake.keys.usageFor(old.keyId).taken,
    next: testbed.fake.keys.usageFor(next.keyId).taken,
    ms: performance.now(),
  });
  const before = count();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = count();
  const calls = after.completed - before.completed;
  const row = {
    phase: name,
    seconds,
    calls,
    'calls/s': Math.round(calls / ((after.ms - before.ms) / 1000)),
    failed: after.failed - before.failed,
    old: after.old - before.old,
    new: after.next - before.next,
  };
  rows.push(row);
  return row;
}

try {
  testbed.secret.set(old);
  testbed.fake.keys.only([old.keyId, next.keyId]);
  // A team's first key has no predecessor, so it starts without a canary.
  const load = testbed.load();
  load.start({ perSecond: rate });
  await phase('on the old key', STEADY_S, load);
  await testbed.rotate(next);
  await phase('promoted, canary', CANARY_S, load);
  const overlap = await phase('overlap', OVERLAP_S, load);
  testbed.fake.keys.revoke(old.keyId);
  const after = await phase('old key revoked', AFTER_S, load);
  await load.stop();
  console.table(rows);
  const refused = testbed.fake.keys.usageFor(old.keyId).refused + testbed.fake.keys.usageFor(next.keyId).refused;
  const isHeld = load.failures.length === 0 && overlap.old + after.old + refused === 0;
  console.log(
    JSON.stringify({
      processes,
      asked: rate,
      calls: load.completed,
      streamed: load.streamed,
      failed: load.failures.length,
      firstFailures: load.failures.slice(0, 3).map(({ status, text }) => ({ status, text })),
      refusedByGroq: refused,
      oldKeyUsedAfterCanary: overlap.old + after.old,
      p50Ms: Math.round(quantile(load.durationMs, 0.5)),
      p99Ms: Math.round(quantile(load.durationMs, 0.99)),
      isHeld,
    }),
  );
  process.exitCode = isHeld ? 0 : 1;
} finally {
  await testbed.close();
}
