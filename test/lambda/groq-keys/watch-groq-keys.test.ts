import { describe, expect, it } from 'vitest';
import { groqSecretName } from '../../../lambda/contract.ts';
import { groqKeyIdOf } from '../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyStateOf } from '../../../lambda/groq-keys/groq-key-record.ts';
import { type WatchedTeam, watchGroqKey } from '../../../lambda/groq-keys/watch-groq-keys.ts';
import { hourOf, MS_PER_DAY } from '../../../lambda/kernel/period.ts';
import type { TeamPolicy } from '../../../lambda/policy/environment.ts';
import { GroqKeyWorld, isDeath, TEAM, tokenOf } from '../../support/keys/groq-key-world.ts';

const FIRST = groqKeyIdOf('gsk_first');
const SECOND = groqKeyIdOf('gsk_second');
const HOUR_MS = 3_600_000;

/** One run of the watch; rotations that it begins are done at once. */
async function watch(world: GroqKeyWorld, rotateGroqKeyEveryDays: number | null = null): Promise<WatchedTeam> {
  const startRotation = async () => await world.rotate(tokenOf(`begun-${world.nowEpochMs}`));
  const policy = { team: TEAM, rotateGroqKeyEveryDays } as TeamPolicy;
  return await watchGroqKey({ ...world.ports, secretOf: () => world.secret, startRotation }, policy);
}

/** A world in which the second key has just taken the first one's place. */
async function rotated(): Promise<GroqKeyWorld> {
  const world = new GroqKeyWorld();
  world.stage('gsk_second');
  await world.rotate(tokenOf('a'));
  world.news.length = 0;
  return world;
}

describe('the watch over a current key', () => {
  it('writes down a key that was put into the secret by hand, and asks again after an hour', async () => {
    const world = new GroqKeyWorld();
    expect(await watch(world)).toBe('accepted');
    expect(await world.records.read(TEAM, FIRST)).toMatchObject({ currentFromEpochMs: world.nowEpochMs, probes: 1 });
    expect(await watch(world)).toBe('not due');
    world.nowEpochMs += HOUR_MS;
    expect(await watch(world)).toBe('accepted');
    expect(await world.records.read(TEAM, FIRST)).toMatchObject({ probes: 2 });
    // Nothing has changed for anyone: the first deployment would else send a message for every team.
    expect([world.news, [...world.reports]]).toEqual([[], []]);
  });

  it('tells of a key that was put in the place of another by hand', async () => {
    const world = new GroqKeyWorld();
    await watch(world);
    world.accepted.add('gsk_second');
    world.secrets.answer('PutSecretValue', {
      SecretId: groqSecretName(TEAM, 'prod'),
      SecretString: '{"apiKey":"gsk_second"}',
    });
    world.nowEpochMs += HOUR_MS;
    expect(await watch(world)).toBe('accepted');
    expect(world.news).toMatchObject([{ kind: 'promoted', keyId: SECOND, otherKeyId: FIRST }]);
  });

  it('asks at each run while a rotation is young, and once calls were refused', async () => {
    const world = await rotated();
    expect([await watch(world), await watch(world)]).toEqual(['accepted', 'accepted']);
    world.nowEpochMs += MS_PER_DAY;
    expect([await watch(world), await watch(world)]).toEqual(['accepted', 'not due']);
    world.rows.push({ keyId: SECOND, hour: hourOf(world.nowEpochMs), requests: 0, refused: 1, failed: 0 });
    expect(await watch(world)).toBe('accepted');
  });

  it('gives the place back to the key before, when Groq refuses a new one', async () => {
    const world = await rotated();
    world.accepted.delete('gsk_second');
    expect(await watch(world)).toBe('returned');
    expect(await world.current()).toBe('gsk_first');
    expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
    expect(world.news).toMatchObject([{ kind: 'returned', keyId: FIRST, otherKeyId: SECOND }]);
    expect([...world.reports.values()].at(-1)).toContain('returned: Groq refused it, and');
    expect(world.entries.at(-1)).toMatchObject({ action: 'return_groq_key', subject: `Groq key ${SECOND}` });
    const states = await Promise.all([FIRST, SECOND].map((id) => world.records.read(TEAM, id)));
    expect(states.map((record) => groqKeyStateOf(record ?? {}))).toEqual(['current', 'returned']);
    expect(await watch(world)).toBe('accepted');
    world.stage('gsk_third');
    await world.rotate(tokenOf('b'));
    expect(await world.current()).toBe('gsk_third');
  });

  it('ends a return that died between any two writes', async () => {
    for (let writes = 0; ; writes++) {
      const world = await rotated();
      world.accepted.delete('gsk_second');
      world.dieAfter(writes);
      const died = await watch(world).then(
        () => false,
        (error) => isDeath(error),
      );
      world.dieAfter(Number.POSITIVE_INFINITY);
      await watch(world);
      await watch(world);
      expect(await world.current()).toBe('gsk_first');
      expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
      const states = await Promise.all([FIRST, SECOND].map((id) => world.records.read(TEAM, id)));
      expect(states.map((record) => groqKeyStateOf(record ?? {}))).toEqual(['current', 'returned']);
      expect(world.news.map(({ kind }) => kind)).toContain('returned');
      if (!died) return;
    }
  });

  it('takes the next staged key when Groq refuses the current one and there is no way back', async () => {
    const world = await rotated();
    world.accepted.delete('gsk_first');
    world.accepted.delete('gsk_second');
    world.stage('gsk_third');
    expect(await watch(world)).toBe('rotation started');
    expect(await world.current()).toBe('gsk_third');
  });

  it('prefers a staged key to the one before once that is about to be deleted', async () => {
    const world = await rotated();
    world.nowEpochMs += 2 * MS_PER_DAY;
    world.accepted.delete('gsk_second');
    world.stage('gsk_third');
    expect(await watch(world)).toBe('rotation started');
    expect(await world.current()).toBe('gsk_third');
  });

  it('tells once a day that no key waits for a refused one, and lets the alarm ring all the while', async () => {
    const world = new GroqKeyWorld();
    await watch(world);
    world.accepted.clear();
    world.news.length = 0;
    world.nowEpochMs += HOUR_MS;
    expect([await watch(world), await watch(world)]).toEqual(['staged key missing', 'staged key missing']);
    expect(world.news.map(({ kind }) => kind)).toEqual(['staged_key_missing']);
    world.nowEpochMs += MS_PER_DAY;
    await watch(world);
    expect(world.news).toHaveLength(2);
  });

  it('begins a rotation that is due by the policy, and none before', async () => {
    const world = await rotated();
    world.stage('gsk_third');
    world.nowEpochMs += 29 * MS_PER_DAY;
    expect(await watch(world, 30)).toBe('accepted');
    world.nowEpochMs += MS_PER_DAY;
    expect(await watch(world, 30)).toBe('rotation started');
    expect(await world.current()).toBe('gsk_third');
    world.nowEpochMs += 31 * MS_PER_DAY;
    expect(await watch(world, 30)).toBe('staged key missing');
    expect(await world.current()).toBe('gsk_third');
  });

  it('drops a pending version that nobody has touched for a quarter of an hour, and waits until then', async () => {
    const world = new GroqKeyWorld();
    await watch(world);
    world.stage('gsk_second');
    world.begin(tokenOf('dead'));
    world.nowEpochMs += HOUR_MS - 60_000;
    world.label('mine', tokenOf('dead'), undefined);
    world.nowEpochMs += 60_000;
    expect(await watch(world)).toBe('rotation under way');
    world.nowEpochMs += HOUR_MS;
    expect(await watch(world)).toBe('accepted');
    expect(world.news.map(({ kind }) => kind)).toContain('pending_label_removed');
    await world.rotate(tokenOf('b'));
    expect(await world.current()).toBe('gsk_second');
  });

  it('finishes what an operator who switched the key off began, and never goes back to it', async () => {
    const world = await rotated();
    world.stage('gsk_third');
    await world.records.note(TEAM, SECOND, { revokedAtEpochMs: world.nowEpochMs });
    expect(await watch(world)).toBe('returned');
    expect(await world.current()).toBe('gsk_first');
  });
});

it('keeps every gateway from a key that was switched off, once the next one is current', async () => {
  const world = new GroqKeyWorld();
  await watch(world);
  world.stage('gsk_second');
  await world.records.note(TEAM, FIRST, { revokedAtEpochMs: world.nowEpochMs });
  expect(await watch(world)).toBe('rotation started');
  expect(await world.current()).toBe('gsk_second');
  expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
  world.accepted.delete('gsk_second');
  expect(await watch(world)).toBe('staged key missing');
});

describe('the watch beside others', () => {
  it('leaves a refused key to a rotation that is under way', async () => {
    const world = await rotated();
    world.stage('gsk_third');
    world.begin(tokenOf('b'));
    world.accepted.delete('gsk_second');
    expect(await watch(world)).toBe('rotation under way');
    expect(await world.current()).toBe('gsk_second');
  });

  it('never goes back to a key that was switched off, also while its label stands', async () => {
    const world = await rotated();
    await world.records.note(TEAM, FIRST, { revokedAtEpochMs: world.nowEpochMs });
    world.accepted.delete('gsk_second');
    expect(await watch(world)).toBe('staged key missing');
    expect(await world.current()).toBe('gsk_second');
  });

  it('follows the labels as they are after the answer, when a rotation ends meanwhile', async () => {
    const world = await rotated();
    world.stage('gsk_third');
    world.begin(tokenOf('b'));
    await world.step('createSecret', tokenOf('b'));
    const probe = {
      isAccepted: async () => {
        for (const step of ['testSecret', 'finishSecret'] as const) await world.step(step, tokenOf('b'));
        return true;
      },
    };
    const policy = { team: TEAM, rotateGroqKeyEveryDays: null } as TeamPolicy;
    const startRotation = async () => {};
    await watchGroqKey({ ...world.ports, probe, secretOf: () => world.secret, startRotation }, policy);
    const states = (await world.records.list(TEAM)).map((record) => [record.keyId, groqKeyStateOf(record)]);
    expect(Object.fromEntries(states)).toEqual({
      [FIRST]: 'replaced',
      [SECOND]: 'replaced',
      [groqKeyIdOf('gsk_third')]: 'current',
    });
  });
});
