import { describe, expect, it } from 'vitest';
import { groqSecretName } from '../../../../lambda/contract.ts';
import { deriveGroqKeyId } from '../../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyState } from '../../../../lambda/groq-keys/groq-key-record.ts';
import { type GroqKeyWatchResult, watchGroqKey } from '../../../../lambda/groq-keys/watch/watch-groq-keys.ts';
import { hourAt, MS_PER_DAY } from '../../../../lambda/kernel/period.ts';
import type { TeamPolicy } from '../../../../lambda/policy/environment.ts';
import { GroqKeyTestRig, isProcessCrash, rotationToken, TEAM } from '../../../support/keys/groq-key-rig.ts';

const FIRST = deriveGroqKeyId('gsk_first');
const SECOND = deriveGroqKeyId('gsk_second');
const HOUR_MS = 3_600_000;

/** Runs the watch once; a rotation that it starts runs to its end. */
async function watch(rig: GroqKeyTestRig, rotateGroqKeyEveryDays: number | null = null): Promise<GroqKeyWatchResult> {
  const startRotation = async () => await rig.rotate(rotationToken(`started-${rig.nowEpochMs}`));
  const policy = { team: TEAM, rotateGroqKeyEveryDays } as TeamPolicy;
  return await watchGroqKey({ ...rig.ports, secretFor: () => rig.secret, startRotation }, policy);
}

/** Creates a rig in which the second key has just replaced the first. */
async function createRotatedRig(): Promise<GroqKeyTestRig> {
  const rig = new GroqKeyTestRig();
  rig.stage('gsk_second');
  await rig.rotate(rotationToken('a'));
  rig.events.length = 0;
  return rig;
}

describe('the watch over a current key', () => {
  it('records a key that was put into the secret by hand, and tests it hourly', async () => {
    const rig = new GroqKeyTestRig();
    expect(await watch(rig)).toBe('accepted');
    expect(await rig.records.read(TEAM, FIRST)).toMatchObject({ currentFromEpochMs: rig.nowEpochMs, probes: 1 });
    expect(await watch(rig)).toBe('not due');
    rig.nowEpochMs += HOUR_MS;
    expect(await watch(rig)).toBe('accepted');
    expect(await rig.records.read(TEAM, FIRST)).toMatchObject({ probes: 2 });
    // No notification: otherwise the first deployment would send one for every team.
    expect([rig.events, [...rig.reports]]).toEqual([[], []]);
  });

  it('notifies operators of a key that was replaced by hand', async () => {
    const rig = new GroqKeyTestRig();
    await watch(rig);
    rig.accepted.add('gsk_second');
    rig.secrets.handle('PutSecretValue', {
      SecretId: groqSecretName(TEAM, 'prod'),
      SecretString: '{"apiKey":"gsk_second"}',
    });
    rig.nowEpochMs += HOUR_MS;
    expect(await watch(rig)).toBe('accepted');
    expect(rig.events).toMatchObject([{ kind: 'promoted', keyId: SECOND, otherKeyId: FIRST }]);
  });

  it('tests the key at each run for a day after a rotation, and after refused calls', async () => {
    const rig = await createRotatedRig();
    expect([await watch(rig), await watch(rig)]).toEqual(['accepted', 'accepted']);
    rig.nowEpochMs += MS_PER_DAY;
    expect([await watch(rig), await watch(rig)]).toEqual(['accepted', 'not due']);
    rig.rows.push({ keyId: SECOND, hour: hourAt(rig.nowEpochMs), requests: 0, refused: 1, failed: 0 });
    expect(await watch(rig)).toBe('accepted');
  });

  it('rolls back to the previous key when Groq refuses a new one', async () => {
    const rig = await createRotatedRig();
    rig.accepted.delete('gsk_second');
    expect(await watch(rig)).toBe('rolled back');
    expect(await rig.current()).toBe('gsk_first');
    expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
    expect(rig.events).toMatchObject([{ kind: 'returned', keyId: FIRST, otherKeyId: SECOND }]);
    expect([...rig.reports.values()].at(-1)).toContain('returned: Groq refused it, and');
    expect(rig.entries.at(-1)).toMatchObject({ action: 'return_groq_key', subject: `Groq key ${SECOND}` });
    const states = await Promise.all([FIRST, SECOND].map((id) => rig.records.read(TEAM, id)));
    expect(states.map((record) => groqKeyState(record ?? {}))).toEqual(['current', 'returned']);
    expect(await watch(rig)).toBe('accepted');
    rig.stage('gsk_third');
    await rig.rotate(rotationToken('b'));
    expect(await rig.current()).toBe('gsk_third');
  });

  it('completes a rollback that crashed between any two writes', async () => {
    for (let writes = 0; ; writes++) {
      const rig = await createRotatedRig();
      rig.accepted.delete('gsk_second');
      rig.crashAfter(writes);
      const died = await watch(rig).then(
        () => false,
        (error) => isProcessCrash(error),
      );
      rig.crashAfter(Number.POSITIVE_INFINITY);
      await watch(rig);
      await watch(rig);
      expect(await rig.current()).toBe('gsk_first');
      expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
      const states = await Promise.all([FIRST, SECOND].map((id) => rig.records.read(TEAM, id)));
      expect(states.map((record) => groqKeyState(record ?? {}))).toEqual(['current', 'returned']);
      expect(rig.events.map(({ kind }) => kind)).toContain('returned');
      if (!died) return;
    }
  });

  it('rotates to the next staged key when Groq refuses the current and the previous one', async () => {
    const rig = await createRotatedRig();
    rig.accepted.delete('gsk_first');
    rig.accepted.delete('gsk_second');
    rig.stage('gsk_third');
    expect(await watch(rig)).toBe('rotation started');
    expect(await rig.current()).toBe('gsk_third');
  });

  it('prefers a staged key to a previous one past its overlap', async () => {
    const rig = await createRotatedRig();
    rig.nowEpochMs += 2 * MS_PER_DAY;
    rig.accepted.delete('gsk_second');
    rig.stage('gsk_third');
    expect(await watch(rig)).toBe('rotation started');
    expect(await rig.current()).toBe('gsk_third');
  });

  it('notifies once a day that no key is staged to replace a refused one, and reports it at every run', async () => {
    const rig = new GroqKeyTestRig();
    await watch(rig);
    rig.accepted.clear();
    rig.events.length = 0;
    rig.nowEpochMs += HOUR_MS;
    expect([await watch(rig), await watch(rig)]).toEqual(['staged key missing', 'staged key missing']);
    expect(rig.events.map(({ kind }) => kind)).toEqual(['staged_key_missing']);
    rig.nowEpochMs += MS_PER_DAY;
    await watch(rig);
    expect(rig.events).toHaveLength(2);
  });

  it('starts a rotation when the policy makes it due, and not before', async () => {
    const rig = await createRotatedRig();
    rig.stage('gsk_third');
    rig.nowEpochMs += 29 * MS_PER_DAY;
    expect(await watch(rig, 30)).toBe('accepted');
    rig.nowEpochMs += MS_PER_DAY;
    expect(await watch(rig, 30)).toBe('rotation started');
    expect(await rig.current()).toBe('gsk_third');
    rig.nowEpochMs += 31 * MS_PER_DAY;
    expect(await watch(rig, 30)).toBe('staged key missing');
    expect(await rig.current()).toBe('gsk_third');
  });

  it('drops a pending version after 15 minutes without a change, and waits until then', async () => {
    const rig = new GroqKeyTestRig();
    await watch(rig);
    rig.stage('gsk_second');
    rig.begin(rotationToken('dead'));
    rig.nowEpochMs += HOUR_MS - 60_000;
    rig.label('mine', rotationToken('dead'), undefined);
    rig.nowEpochMs += 60_000;
    expect(await watch(rig)).toBe('rotation in progress');
    rig.nowEpochMs += HOUR_MS;
    expect(await watch(rig)).toBe('accepted');
    expect(rig.events.map(({ kind }) => kind)).toContain('pending_label_removed');
    await rig.rotate(rotationToken('b'));
    expect(await rig.current()).toBe('gsk_second');
  });

  it('rolls back when an operator revoked the current key and no rotation followed', async () => {
    const rig = await createRotatedRig();
    rig.stage('gsk_third');
    await rig.records.update(TEAM, SECOND, { revokedAtEpochMs: rig.nowEpochMs });
    expect(await watch(rig)).toBe('rolled back');
    expect(await rig.current()).toBe('gsk_first');
  });
});

it('removes the labels of a revoked key once the next one is current', async () => {
  const rig = new GroqKeyTestRig();
  await watch(rig);
  rig.stage('gsk_second');
  await rig.records.update(TEAM, FIRST, { revokedAtEpochMs: rig.nowEpochMs });
  expect(await watch(rig)).toBe('rotation started');
  expect(await rig.current()).toBe('gsk_second');
  expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
  rig.accepted.delete('gsk_second');
  expect(await watch(rig)).toBe('staged key missing');
});

describe('the watch during other changes', () => {
  it('leaves a refused key to a rotation in progress', async () => {
    const rig = await createRotatedRig();
    rig.stage('gsk_third');
    rig.begin(rotationToken('b'));
    rig.accepted.delete('gsk_second');
    expect(await watch(rig)).toBe('rotation in progress');
    expect(await rig.current()).toBe('gsk_second');
  });

  it('never rolls back to a revoked key, even while it has the previous label', async () => {
    const rig = await createRotatedRig();
    await rig.records.update(TEAM, FIRST, { revokedAtEpochMs: rig.nowEpochMs });
    rig.accepted.delete('gsk_second');
    expect(await watch(rig)).toBe('staged key missing');
    expect(await rig.current()).toBe('gsk_second');
  });

  it('reads the labels again after the probe, in case a rotation finished meanwhile', async () => {
    const rig = await createRotatedRig();
    rig.stage('gsk_third');
    rig.begin(rotationToken('b'));
    await rig.step('createSecret', rotationToken('b'));
    const probe = {
      isAccepted: async () => {
        for (const step of ['testSecret', 'finishSecret'] as const) await rig.step(step, rotationToken('b'));
        return true;
      },
    };
    const policy = { team: TEAM, rotateGroqKeyEveryDays: null } as TeamPolicy;
    const startRotation = async () => {};
    await watchGroqKey({ ...rig.ports, probe, secretFor: () => rig.secret, startRotation }, policy);
    const states = (await rig.records.list(TEAM)).map((record) => [record.keyId, groqKeyState(record)]);
    expect(Object.fromEntries(states)).toEqual({
      [FIRST]: 'replaced',
      [SECOND]: 'replaced',
      [deriveGroqKeyId('gsk_third')]: 'current',
    });
  });
});
