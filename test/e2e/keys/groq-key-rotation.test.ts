import { afterEach, describe, expect, it } from 'vitest';
import type { LoadGenerator } from '../../../bench/rotation/load-generator.ts';
import { RotationTestbed } from '../../../bench/rotation/rotation-testbed.ts';
import { newTestKey } from '../../../bench/rotation/simulated-secret.ts';
import { picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import { computeBill } from '../../support/gateway/fake-bill.ts';
import { fetchBudget, type GatewayProcess } from '../../support/gateway/gateway-process.ts';

const PROCESSES = 3;
const CALLERS = 12;
/** Allows for a busy machine. */
const TIMEOUT_MS = 180_000;
let opened: RotationTestbed | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(): Promise<RotationTestbed> {
  opened = await RotationTestbed.open({ processes: PROCESSES, canaryMinutes: 2, isClockControlled: true });
  return opened;
}

async function expectNoFailures(load: LoadGenerator, minCompleted: number): Promise<void> {
  await load.stop();
  expect(load.failures.map(({ status, text }) => ({ status, text }))).toEqual([]);
  expect(load.completed).toBeGreaterThan(minCompleted);
  expect(load.streamed).toBeGreaterThan(load.completed / 3);
}

describe("a rotation of a team's Groq key, in several gateway processes", () => {
  it(
    'fails no call, sends the new key a canary share first, and stops using the old key within its overlap',
    async () => {
      const testbed = await open();
      const { secret, fake } = testbed;
      const [old, next] = [newTestKey(), newTestKey()];
      secret.set(old);
      fake.keys.only([old.keyId, next.keyId]);
      // The first key has no predecessor, so all calls use it from the start, without a canary.
      const load = testbed.load();
      load.start({ callersAtOnce: CALLERS });
      await load.waitForCalls(150);
      expect(fake.keys.usageFor(old.keyId).taken).toBeGreaterThan(150 - CALLERS);
      for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);

      expect(fake.keys.usageFor(next.keyId).taken).toBe(0);
      await testbed.rotate(next);
      expect(fake.keys.usageFor(next.keyId).probes).toBeGreaterThan(0);

      // A minute later every process has read the new key, and the canary is still running.
      await testbed.advanceMinute(load);
      const before = { next: fake.keys.usageFor(next.keyId).taken, completed: load.completed };
      await load.waitForCalls(250);
      const share = (fake.keys.usageFor(next.keyId).taken - before.next) / (load.completed - before.completed);
      expect(share).toBeGreaterThan(0.03);
      expect(share).toBeLessThan(0.2);
      for (let minute = 0; minute < 2; minute++) await testbed.advanceMinute(load);

      // The old key is unused from here to the end of its overlap, so revoking it fails no call.
      await load.waitForCalls(CALLERS);
      const atPromotion = fake.keys.usageFor(old.keyId);
      for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);
      fake.keys.revoke(old.keyId);
      await load.waitForCalls(200);
      await expectNoFailures(load, 800);
      expect(fake.keys.usageFor(old.keyId)).toEqual(atPromotion);
      expect(fake.keys.usageFor(next.keyId)).toMatchObject({ refused: 0 });
      expect(testbed.findLogEvents('groq_key_refused')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'fails no call when the current key is revoked without warning and another is staged',
    async () => {
      const testbed = await open();
      const { secret, fake } = testbed;
      const [old, staged] = [newTestKey(), newTestKey()];
      secret.set(old);
      secret.stage(staged, testbed.nowEpochMs());
      const load = testbed.load();
      load.start({ callersAtOnce: CALLERS });
      await load.waitForCalls(100);
      fake.keys.revoke(old.keyId);
      await load.waitForCalls(200);
      // A minute later each process retries the old key, in one or several concurrent calls, and none of them fails.
      await testbed.advanceMinute(load);
      // An operator makes the staged key current meanwhile; no call is refused any more.
      await testbed.rotate();
      await testbed.advanceMinute(load);
      const { refused } = fake.keys.usageFor(old.keyId);
      await load.waitForCalls(100);
      await expectNoFailures(load, 380);
      expect(fake.keys.usageFor(old.keyId).refused).toBe(refused);
      expect(refused).toBeGreaterThanOrEqual(PROCESSES);
      const fallbacks = testbed.findLogEvents('groq_key_fallback_staged');
      expect(fallbacks.length).toBeGreaterThanOrEqual(PROCESSES);
      // A refused attempt costs nothing: each call has one reservation, however many keys it tried.
      const spent = async () => {
        const { spent_usd, held_usd } = await fetchBudget(testbed.gateways[0] as GatewayProcess, testbed.teamKey);
        return { spent: picoUsdFromNumber(Number(spent_usd)), held: Number(held_usd) };
      };
      await expect.poll(spent).toEqual({ spent: computeBill(fake.served().byModel), held: 0 });
      expect(fallbacks[0]).toEqual({
        event: 'groq_key_fallback_staged',
        team: 'rotated',
        keyId: staged.keyId,
        refusedKeyId: old.keyId,
      });
    },
    TIMEOUT_MS,
  );

  it(
    'fails no call when the new key is revoked right after its promotion, and falls back to the previous key',
    async () => {
      const testbed = await open();
      const { secret, fake } = testbed;
      const [old, next, third] = [newTestKey(), newTestKey(), newTestKey()];
      secret.set(old);
      const load = testbed.load();
      load.start({ callersAtOnce: CALLERS });
      await load.waitForCalls(100);
      for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);
      await testbed.rotate(next);
      fake.keys.revoke(next.keyId);
      // Through the canary and past it, when all calls would use the new key.
      for (let minute = 0; minute < 4; minute++) await testbed.advanceMinute(load);
      expect(fake.keys.usageFor(next.keyId).taken).toBe(0);
      expect(testbed.findLogEvents('groq_key_fallback_previous').length).toBeGreaterThanOrEqual(PROCESSES);
      // The operator replaces it.
      await testbed.rotate(third);
      for (let minute = 0; minute < 3; minute++) await testbed.advanceMinute(load);
      const { taken } = fake.keys.usageFor(old.keyId);
      await load.waitForCalls(100);
      await expectNoFailures(load, 450);
      expect(fake.keys.usageFor(old.keyId).taken).toBe(taken);
      expect(fake.keys.usageFor(third.keyId).taken).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );
});
