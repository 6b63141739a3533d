import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it } from 'vitest';
import { newTestKey, SimulatedSecret } from '../../../../bench/rotation/simulated-secret.ts';
import { GroqKeys } from '../../../../lambda/groq/io/groq-keys.ts';
import { GroqUpstream } from '../../../../lambda/groq/io/groq-upstream.ts';
import { type FakeGroq, startFakeGroq } from '../../../../local/fake-groq/server.ts';
import { LocalSecretsManager } from '../../../../local/secrets-manager/secrets-manager.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const MINUTE = 60_000;
let fake: FakeGroq | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

/** One gateway process with a team whose key has been in use for an hour. */
async function setUp({ canaryPercent = 10, hasKey = true } = {}) {
  const clock = fakeClock();
  const secrets = new LocalSecretsManager({ nowEpochMs: clock.nowEpochMs });
  const secret = new SimulatedSecret(secrets, 'groq/chatbot-test-gateway');
  const [old, next] = [newTestKey(), newTestKey()];
  if (hasKey) secret.set(old);
  await clock.sleep(60 * MINUTE);
  fake = await startFakeGroq({ chunkIntervalMs: 2 });
  const events: (Record<string, unknown> & { event: string })[] = [];
  const log = (event: string, facts: object) => events.push({ event, ...facts });
  let broken: Error | undefined;
  const client = {
    send: async (command: never) => {
      if (broken !== undefined) throw broken;
      return await (secrets.client as SecretsManagerClient).send(command);
    },
  } as unknown as SecretsManagerClient;
  const keys = new GroqKeys(client, 'test', clock.nowEpochMs, log);
  let random = 0.5;
  const controlledClock = { ...clock, random: () => random };
  const upstream = new GroqUpstream({
    baseUrl: fake.baseUrl,
    keys,
    clock: controlledClock,
    log,
    limits: { observe: () => {} },
  });
  const chat = async (content = 'Hello', more: { stream?: boolean; deadlineMs?: number } = {}) =>
    await upstream.chat({
      team: 'chatbot',
      body: { model: 'openai/gpt-oss-20b', messages: [{ role: 'user', content }], stream: more.stream === true },
      deadlineEpochMs: clock.nowEpochMs() + (more.deadlineMs ?? MINUTE),
      canary: { canaryPercent, canaryMinutes: 10 },
    });
  const reads = () => secrets.requestCounts.GetSecretValue ?? 0;
  const eventsNamed = (name: string) => events.filter(({ event }) => event === name);
  const setRandom = (value: number) => {
    random = value;
  };
  const breakSecrets = (error: Error | undefined) => {
    broken = error;
  };
  return { clock, secrets, secret, old, next, fake, chat, reads, events, eventsNamed, setRandom, breakSecrets };
}

const used = (keyId: string, ...refusedIds: string[]) => ({
  kind: 'complete',
  groqKeys: { usedId: keyId, refusedIds },
});

describe('a rotation in one gateway process', () => {
  it('reads only the current key, once a minute', async () => {
    const { chat, clock, old, reads, secrets } = await setUp();
    for (let n = 0; n < 50; n++) expect(await chat()).toMatchObject(used(old.keyId));
    await clock.sleep(MINUTE);
    await chat();
    expect(reads()).toBe(2);
    expect(secrets.requestCounts.DescribeSecret).toBeUndefined();
  });

  it('gives a new key its share of calls for ten minutes and then all, with one more read per minute', async () => {
    const { chat, clock, old, next, secret, reads, setRandom } = await setUp();
    await chat();
    secret.finish(secret.begin(next));
    // The process still has the old key cached.
    expect(await chat()).toMatchObject(used(old.keyId));
    for (let minute = 1; minute <= 9; minute++) {
      await clock.sleep(MINUTE);
      const before = reads();
      for (let n = 0; n < 20; n++) {
        setRandom(n / 20);
        expect(await chat()).toMatchObject(used(n < 2 ? next.keyId : old.keyId));
      }
      expect(reads() - before).toBe(2);
    }
    await clock.sleep(MINUTE);
    const before = reads();
    for (let n = 0; n < 20; n++) expect(await chat()).toMatchObject(used(next.keyId));
    expect(reads() - before).toBe(1);
  });

  it('switches to the new key at once when the old one is refused, and logs that once', async () => {
    const { chat, old, next, secret, fake, eventsNamed, reads } = await setUp();
    await chat();
    secret.finish(secret.begin(next));
    fake.keys.revoke(old.keyId);
    const answers = await Promise.all(Array.from({ length: 200 }, () => chat()));
    for (const answer of answers) expect(answer).toMatchObject({ kind: 'complete', groqKeys: { usedId: next.keyId } });
    expect(fake.keys.usageFor(old.keyId).refused).toBeGreaterThan(100);
    // The first read, one refetch for all 200 calls, and the previous key, because the new one is in its canary.
    expect(reads()).toBe(3);
    expect(eventsNamed('groq_key_refused')).toEqual([
      { event: 'groq_key_refused', team: 'chatbot', keyId: old.keyId, stage: 'current' },
    ]);
    for (let n = 0; n < 20; n++) expect(await chat()).toMatchObject(used(next.keyId));
  });

  it('falls back to the previous key for a minute when the new one is refused, and logs that', async () => {
    const { chat, clock, old, next, secret, fake, eventsNamed, setRandom } = await setUp();
    secret.finish(secret.begin(next));
    fake.keys.revoke(next.keyId);
    setRandom(0);
    expect(await chat()).toMatchObject(used(old.keyId, next.keyId));
    for (let n = 0; n < 20; n++) expect(await chat()).toMatchObject(used(old.keyId));
    expect(eventsNamed('groq_key_fallback_previous')).toEqual([
      { event: 'groq_key_fallback_previous', team: 'chatbot', keyId: old.keyId, refusedKeyId: next.keyId },
    ]);
    await clock.sleep(MINUTE);
    // It is tried again after a minute, and again after its canary.
    expect(await chat()).toMatchObject(used(old.keyId, next.keyId));
    await clock.sleep(10 * MINUTE);
    expect(await chat()).toMatchObject(used(old.keyId, next.keyId));
    expect(await chat()).toMatchObject(used(old.keyId));
  });

  it('reads the previous key again after a second rotation within a minute', async () => {
    const { chat, clock, old, next, secret, fake } = await setUp();
    secret.finish(secret.begin(next));
    expect(await chat()).toMatchObject(used(old.keyId));
    await clock.sleep(2_000);
    secret.finish(secret.begin(newTestKey()));
    fake.keys.revoke(old.keyId);
    expect(await chat()).toMatchObject(used(next.keyId, old.keyId));
  });

  it('uses the first staged key when the only key is revoked without warning, and logs that', async () => {
    const { chat, clock, old, next, secret, fake, eventsNamed, secrets } = await setUp();
    const second = newTestKey();
    secret.stage(second, clock.nowEpochMs() + 1);
    secret.stage(next, clock.nowEpochMs());
    await chat();
    fake.keys.revoke(old.keyId);
    const answers = await Promise.all(Array.from({ length: 200 }, () => chat()));
    for (const answer of answers) expect(answer).toMatchObject({ kind: 'complete', groqKeys: { usedId: next.keyId } });
    expect(secrets.requestCounts).toMatchObject({ DescribeSecret: 1 });
    expect(eventsNamed('groq_key_fallback_staged')).toEqual([
      { event: 'groq_key_fallback_staged', team: 'chatbot', keyId: next.keyId, refusedKeyId: old.keyId },
    ]);
    // Later that key is refused too, and the next one is used.
    fake.keys.revoke(next.keyId);
    await clock.sleep(1_000);
    expect(await chat()).toMatchObject(used(second.keyId, next.keyId));
    expect(eventsNamed('groq_key_fallback_staged')).toHaveLength(2);
  });

  it('finds a key that was staged after the others were refused', async () => {
    const { chat, clock, old, next, secret, fake } = await setUp();
    fake.keys.revoke(old.keyId);
    expect(await chat()).toMatchObject({
      kind: 'rejected',
      refusal: { reason: 'groq_key_rejected' },
      groqKeys: { usedId: undefined, refusedIds: [old.keyId] },
    });
    secret.stage(next, clock.nowEpochMs());
    await clock.sleep(1_000);
    expect(await chat()).toMatchObject(used(next.keyId));
  });

  it('refetches once more for a key that replaced a refused one within a second of the last refetch', async () => {
    const { chat, clock, old, next, secret, fake } = await setUp();
    const third = newTestKey();
    secret.finish(secret.begin(next));
    fake.keys.revoke(old.keyId, next.keyId);
    clock.at(clock.sleptMs() + 500, async () => secret.set(third));
    expect(await chat()).toMatchObject(used(third.keyId, old.keyId, next.keyId));
    // It does not wait again for a key that is known to be refused.
    fake.keys.revoke(third.keyId);
    await chat();
    await clock.sleep(1);
    const sleptMs = clock.sleptMs();
    expect(await chat()).toMatchObject({ refusal: { reason: 'groq_key_rejected' } });
    expect(clock.sleptMs()).toBe(sleptMs);
  });

  it('tries at most five keys per call, and none after the deadline', async () => {
    const { chat, clock, old, secret, fake } = await setUp();
    const staged = Array.from({ length: 6 }, newTestKey);
    for (const [n, key] of staged.entries()) secret.stage(key, clock.nowEpochMs() + n);
    fake.keys.only([]);
    const answer = await chat();
    expect(answer).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_key_rejected' } });
    expect(answer.groqKeys?.refusedIds).toEqual([old, ...staged.slice(0, 4)].map(({ keyId }) => keyId));
    expect(await chat('Hello', { deadlineMs: 0 })).toMatchObject({
      refusal: { reason: 'groq_unavailable' },
      groqKeys: { usedId: undefined, refusedIds: [] },
    });
  });

  it('finishes a stream with the key that it started with', async () => {
    const { chat, clock, old, next, secret, fake } = await setUp();
    const answer = await chat('[tokens:40]', { stream: true });
    if (answer.kind !== 'stream') throw new Error('a stream was expected');
    secret.finish(secret.begin(next));
    fake.keys.revoke(old.keyId);
    await clock.sleep(MINUTE);
    expect(await chat()).toMatchObject({ kind: 'complete', groqKeys: { usedId: next.keyId } });
    let text = '';
    for await (const event of answer.events) text += Buffer.from(event).toString();
    expect(text).toContain('data: [DONE]');
    expect(answer.groqKeys).toEqual({ usedId: old.keyId, refusedIds: [] });
  });
});

describe('the key trace of a call', () => {
  it.each(['[fault:400]', '[fault:429:60]', '[fault:500]', '[fault:reset]'])(
    'counts an accepted key as used, whatever the outcome: %s',
    async (content) => {
      const { chat, old } = await setUp();
      expect((await chat(content, { deadlineMs: 5_000 })).groqKeys).toEqual({ usedId: old.keyId, refusedIds: [] });
    },
  );

  it('counts no key as used if no connection was made', async () => {
    const { chat, fake } = await setUp();
    await fake.close();
    expect((await chat()).groqKeys).toEqual({ usedId: undefined, refusedIds: [] });
  });

  it('logs a team without a key, and sends nothing', async () => {
    const { chat, fake, eventsNamed } = await setUp({ hasKey: false });
    expect(await chat()).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_key_missing' } });
    expect(eventsNamed('groq_key_missing')).toEqual([{ event: 'groq_key_missing', team: 'chatbot' }]);
    expect(fake.served().requests).toBe(0);
  });

  it('finds a first key within a second, with one read per second', async () => {
    const { chat, clock, reads, secret, old } = await setUp({ hasKey: false });
    for (let n = 0; n < 20; n++) await chat();
    expect(reads()).toBe(1);
    await clock.sleep(1_000);
    for (let n = 0; n < 20; n++) await chat();
    expect(reads()).toBe(2);
    secret.set(old);
    await clock.sleep(1_000);
    expect(await chat()).toMatchObject(used(old.keyId));
  });
});

describe('while Secrets Manager fails', () => {
  const throttled = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });

  it('uses the cached key for an hour, retries every ten seconds, and logs that', async () => {
    const { chat, clock, old, breakSecrets, eventsNamed } = await setUp();
    await chat();
    breakSecrets(throttled);
    await clock.sleep(MINUTE);
    for (let n = 0; n < 20; n++) expect(await chat()).toMatchObject(used(old.keyId));
    expect(eventsNamed('groq_key_stale')).toEqual([
      { event: 'groq_key_stale', team: 'chatbot', error: 'ThrottlingException' },
    ]);
    await clock.sleep(10_000);
    await chat();
    expect(eventsNamed('groq_key_stale')).toHaveLength(2);
    await clock.sleep(60 * MINUTE);
    expect(await chat()).toMatchObject({ kind: 'rejected', refusal: { reason: 'gateway_unavailable' } });
    breakSecrets(undefined);
    // Calls without a cached key do not all retry a read that has just failed.
    expect(await chat()).toMatchObject({ refusal: { reason: 'gateway_unavailable' } });
    await clock.sleep(1_000);
    expect(await chat()).toMatchObject(used(old.keyId));
  });

  it('falls back from a refused key to another cached key', async () => {
    const { chat, old, next, secret, fake, breakSecrets } = await setUp();
    secret.finish(secret.begin(next));
    expect(await chat()).toMatchObject(used(old.keyId));
    breakSecrets(throttled);
    fake.keys.revoke(old.keyId);
    expect(await chat()).toMatchObject(used(next.keyId, old.keyId));
    fake.keys.revoke(next.keyId);
    expect(await chat()).toMatchObject({ refusal: { reason: 'groq_key_rejected' } });
  });

  it('refuses with gateway_unavailable, not as for a team without a key', async () => {
    const { chat, breakSecrets, eventsNamed } = await setUp();
    breakSecrets(throttled);
    expect(await chat()).toMatchObject({ kind: 'rejected', refusal: { reason: 'gateway_unavailable' } });
    expect(eventsNamed('groq_key_unreadable')).toHaveLength(1);
  });
});
