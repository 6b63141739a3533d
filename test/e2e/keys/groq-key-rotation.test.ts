import { afterEach, describe, expect, it } from 'vitest';
import { newTestKey } from '../../../bench/rotation/played-secret.ts';
import { RotatedGateways } from '../../../bench/rotation/rotated-gateways.ts';
import type { SteadyLoad } from '../../../bench/rotation/steady-load.ts';
import { picoUsdFromNumber } from '../../../lambda/kernel/money.ts';
import { billOf } from '../../support/gateway/fake-bill.ts';
import { budgetOf, type GatewayProcess } from '../../support/gateway/gateway-process.ts';

const PROCESSES = 3;
const CALLERS = 12;
/** On a busy machine. */
const TIMEOUT_MS = 180_000;
let opened: RotatedGateways | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

async function open(): Promise<RotatedGateways> {
  opened = await RotatedGateways.open({ processes: PROCESSES, canaryMinutes: 2, isClockLed: true });
  return opened;
}

async function ended(load: SteadyLoad, least: number): Promise<void> {
  await load.stop();
  expect(load.failures.map(({ status, text }) => ({ status, text }))).toEqual([]);
  expect(load.ended).toBeGreaterThan(least);
  expect(load.streamed).toBeGreaterThan(load.ended / 3);
}

describe("a rotation of a team's Groq key, in several gateway processes", () => {
  it(
    'fails no call, gives the new key its share first, and leaves the old one unused before its overlap ends',
    async () => {
      const world = await open();
      const { secret, fake } = world;
      const [old, next] = [newTestKey(), newTestKey()];
      secret.set(old);
      fake.keys.only([old.keyId, next.keyId]);
      // The first key is no rotation: there is none before it, so all calls go on it from the start.
      const load = world.load();
      load.start({ callersAtOnce: CALLERS });
      await load.more(150);
      expect(fake.keys.useOf(old.keyId).taken).toBeGreaterThan(150 - CALLERS);
      for (let minute = 0; minute < 3; minute++) await world.passMinute(load);

      expect(fake.keys.useOf(next.keyId).taken).toBe(0);
      await world.rotate(next);
      expect(fake.keys.useOf(next.keyId).probes).toBeGreaterThan(0);

      // By the next minute every process knows of it, and the canary is not over.
      await world.passMinute(load);
      const before = { next: fake.keys.useOf(next.keyId).taken, ended: load.ended };
      await load.more(250);
      const share = (fake.keys.useOf(next.keyId).taken - before.next) / (load.ended - before.ended);
      expect(share).toBeGreaterThan(0.03);
      expect(share).toBeLessThan(0.2);
      for (let minute = 0; minute < 2; minute++) await world.passMinute(load);

      // From here to the end of the overlap nobody uses the old key, so that its end is nobody's.
      await load.more(CALLERS);
      const atPromotion = fake.keys.useOf(old.keyId);
      for (let minute = 0; minute < 3; minute++) await world.passMinute(load);
      fake.keys.revoke(old.keyId);
      await load.more(200);
      await ended(load, 800);
      expect(fake.keys.useOf(old.keyId)).toEqual(atPromotion);
      expect(fake.keys.useOf(next.keyId)).toMatchObject({ refused: 0 });
      expect(world.logged('groq_key_refused')).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'fails no call when the old key is revoked without a warning and a staged one waits',
    async () => {
      const world = await open();
      const { secret, fake } = world;
      const [old, staged] = [newTestKey(), newTestKey()];
      secret.set(old);
      secret.stage(staged, world.nowEpochMs());
      const load = world.load();
      load.start({ callersAtOnce: CALLERS });
      await load.more(100);
      fake.keys.revoke(old.keyId);
      await load.more(200);
      // A minute later each process tries the old one again, in one call or some at once, and none of them fails.
      await world.passMinute(load);
      // An operator makes the staged one current meanwhile; nothing is refused any more.
      await world.rotate();
      await world.passMinute(load);
      const { refused } = fake.keys.useOf(old.keyId);
      await load.more(100);
      await ended(load, 380);
      expect(fake.keys.useOf(old.keyId).refused).toBe(refused);
      expect(refused).toBeGreaterThanOrEqual(PROCESSES);
      const ahead = world.logged('groq_key_ahead');
      expect(ahead.length).toBeGreaterThanOrEqual(PROCESSES);
      // A refused key costs nothing, and its call is one reservation, whatever it took.
      const spent = async () => {
        const { spent_usd, held_usd } = await budgetOf(world.gateways[0] as GatewayProcess, world.teamKey);
        return { spent: picoUsdFromNumber(Number(spent_usd)), held: Number(held_usd) };
      };
      await expect.poll(spent).toEqual({ spent: billOf(fake.served().byModel), held: 0 });
      expect(ahead[0]).toEqual({
        event: 'groq_key_ahead',
        team: 'rotated',
        keyId: staged.keyId,
        refusedKeyId: old.keyId,
      });
    },
    TIMEOUT_MS,
  );

  it(
    'fails no call when the new key is revoked right after its promotion, and goes back by itself',
    async () => {
      const world = await open();
      const { secret, fake } = world;
      const [old, next, third] = [newTestKey(), newTestKey(), newTestKey()];
      secret.set(old);
      const load = world.load();
      load.start({ callersAtOnce: CALLERS });
      await load.more(100);
      for (let minute = 0; minute < 3; minute++) await world.passMinute(load);
      await world.rotate(next);
      fake.keys.revoke(next.keyId);
      // Through the canary and beyond it, when all calls would go on the new key.
      for (let minute = 0; minute < 4; minute++) await world.passMinute(load);
      expect(fake.keys.useOf(next.keyId).taken).toBe(0);
      expect(world.logged('groq_key_returned').length).toBeGreaterThanOrEqual(PROCESSES);
      // The operator puts another one in its place.
      await world.rotate(third);
      for (let minute = 0; minute < 3; minute++) await world.passMinute(load);
      const { taken } = fake.keys.useOf(old.keyId);
      await load.more(100);
      await ended(load, 450);
      expect(fake.keys.useOf(old.keyId).taken).toBe(taken);
      expect(fake.keys.useOf(third.keyId).taken).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );
});
