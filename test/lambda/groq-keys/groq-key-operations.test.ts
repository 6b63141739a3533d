import { describe, expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { setGroqKey, stageGroqKey } from '../../../lambda/groq-keys/groq-key-operations.ts';
import type { GroqKeyOperatorPorts } from '../../../lambda/groq-keys/groq-key-operator-ports.ts';
import { groqKeyState } from '../../../lambda/groq-keys/groq-key-record.ts';
import {
  clearPendingVersion,
  confirmGroqKeyDeleted,
  revokeGroqKey,
  unstageGroqKey,
} from '../../../lambda/groq-keys/groq-key-removal.ts';
import { GroqKeyTestRig, rotationToken, TEAM } from '../../support/keys/groq-key-rig.ts';

const SECOND = deriveGroqKeyId('gsk_second');

function buildOperator(rig: GroqKeyTestRig): GroqKeyOperatorPorts {
  let made = 0;
  return {
    ...rig.ports,
    secretFor: () => rig.secret,
    teams: [TEAM, 'analytics'],
    actor: 'operator',
    newVersionId: () => rotationToken(`by-operator-${rig.nowEpochMs}-${++made}`),
  };
}

const readKeyState = async (rig: GroqKeyTestRig, keyId: string) =>
  groqKeyState((await rig.records.read(TEAM, keyId)) ?? {});

describe('staging a Groq key', () => {
  it('appends it to the queue with a name and an audit entry, and a rotation uses it', async () => {
    const rig = new GroqKeyTestRig();
    rig.accepted.add('gsk_second').add('gsk_third');
    expect(await stageGroqKey(buildOperator(rig), TEAM, 'gsk_second')).toMatchObject({
      key: { name: 'chatbot-prod-2026-11', keyId: SECOND },
      waiting: 1,
    });
    rig.nowEpochMs += 1;
    expect(await stageGroqKey(buildOperator(rig), TEAM, 'gsk_third')).toMatchObject({
      key: { name: 'chatbot-prod-2026-11-2' },
      waiting: 2,
    });
    expect(rig.entries).toMatchObject([{ action: 'stage_groq_key', actor: 'operator', source: 'cli' }, {}]);
    await rig.rotate(rotationToken('a'));
    expect(await rig.current()).toBe('gsk_second');
    expect(await rig.records.read(TEAM, SECOND)).toMatchObject({
      stagedBy: 'operator',
      name: 'chatbot-prod-2026-11',
    });
    expect(JSON.stringify([rig.entries, rig.events])).not.toContain('gsk_');
  });

  it.each<[string, (rig: GroqKeyTestRig) => Promise<void> | void, string, RegExp]>([
    ['that Groq refuses', () => {}, 'gsk_second', /Groq refuses this key/],
    ['that is current', () => {}, 'gsk_first', /current key/],
    ['that is already staged', (rig) => void rig.stage('gsk_second'), 'gsk_second', /already staged/],
    [
      'of another team',
      async (rig) => {
        rig.accepted.add('gsk_second');
        await rig.records.update('analytics', SECOND, { currentFromEpochMs: 1 });
      },
      'gsk_second',
      /belongs to team analytics/,
    ],
    ['with a space in it', () => {}, 'gsk second', /not a valid key/],
    ['with a line break in it', () => {}, 'gsk_sec\nond', /not a valid key/],
    ['with a letter outside ASCII', () => {}, 'gsk_sécond', /not a valid key/],
    [
      'when the queue is full',
      (rig) => {
        for (let n = 0; n < 8; n++) rig.stage(`gsk_waiting_${n}`);
      },
      'gsk_second',
      /has 8 staged keys, the maximum/,
    ],
    [
      'that has just been replaced',
      async (rig) => {
        rig.stage('gsk_second');
        await rig.rotate(rotationToken('a'));
      },
      'gsk_first',
      /current one replaced/,
    ],
  ])('refuses one %s', async (_which, prepare, apiKey, why) => {
    const rig = new GroqKeyTestRig();
    await prepare(rig);
    const before = await rig.queue();
    await expect(stageGroqKey(buildOperator(rig), TEAM, apiKey)).rejects.toThrow(why);
    expect(await rig.queue()).toEqual(before);
  });

  it('is undone by unstaging', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    await unstageGroqKey(buildOperator(rig), TEAM, SECOND);
    expect(await rig.queue()).toEqual([]);
    expect(await readKeyState(rig, SECOND)).toBe('unstaged');
    await expect(unstageGroqKey(buildOperator(rig), TEAM, SECOND)).rejects.toThrow(/has no staged key/);
    await stageGroqKey(buildOperator(rig), TEAM, 'gsk_second');
    expect(await readKeyState(rig, SECOND)).toBe('staged');
  });
});

describe('setting a Groq key', () => {
  it('never replaces a valid key', async () => {
    const rig = new GroqKeyTestRig();
    rig.accepted.add('gsk_second');
    await expect(setGroqKey(buildOperator(rig), TEAM, 'gsk_second')).rejects.toThrow(/has a key that works/);
    expect(await rig.current()).toBe('gsk_first');
  });

  it('replaces a key that Groq refuses, and removes its labels', async () => {
    const rig = new GroqKeyTestRig();
    rig.accepted.clear();
    rig.accepted.add('gsk_second');
    await setGroqKey(buildOperator(rig), TEAM, 'gsk_second', 'by-hand');
    expect(await rig.current()).toBe('gsk_second');
    expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
    expect([await readKeyState(rig, SECOND), await readKeyState(rig, deriveGroqKeyId('gsk_first'))]).toEqual([
      'current',
      'replaced',
    ]);
  });
});

describe('revoking a Groq key', () => {
  it('marks it before the next one is current, and keeps it out of use', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    const revoked = await revokeGroqKey(buildOperator(rig), TEAM, 'leaked');
    expect(await readKeyState(rig, revoked.keyId)).toBe('revoked');
    await rig.rotate(rotationToken('a'));
    expect(await rig.current()).toBe('gsk_second');
    expect(await rig.keyWithLabel('AWSPREVIOUS')).toBeUndefined();
    expect(await readKeyState(rig, revoked.keyId)).toBe('revoked');
    expect(rig.events.at(-1)?.lines.join(' ')).toContain("delete it in Groq's console now");
  });

  it('keeps the replacement key when a second operator revokes without naming a key', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    rig.stage('gsk_third');
    await revokeGroqKey(buildOperator(rig), TEAM, 'leaked');
    await rig.rotate(rotationToken('a'));
    await expect(revokeGroqKey(buildOperator(rig), TEAM, 'leaked')).rejects.toThrow(`--key ${SECOND}`);
    const first = deriveGroqKeyId('gsk_first');
    await expect(revokeGroqKey(buildOperator(rig), TEAM, 'leaked', first)).rejects.toThrow(/nothing was revoked/);
    expect(await readKeyState(rig, SECOND)).toBe('current');
    expect((await revokeGroqKey(buildOperator(rig), TEAM, 'leaked', SECOND)).keyId).toBe(SECOND);
    await rig.rotate(rotationToken('b'));
    rig.stage('gsk_fourth');
    rig.nowEpochMs += 900_000;
    expect((await revokeGroqKey(buildOperator(rig), TEAM, 'leaked')).keyId).toBe(deriveGroqKeyId('gsk_third'));
  });

  it('changes nothing when no key is staged', async () => {
    const rig = new GroqKeyTestRig();
    await expect(revokeGroqKey(buildOperator(rig), TEAM, 'leaked')).rejects.toThrow(/has no staged key to use instead/);
    expect(rig.entries).toEqual([]);
  });
});

it('clears the pending version of a failed rotation, unless a key may still be being created for it', async () => {
  const rig = new GroqKeyTestRig();
  await clearPendingVersion(buildOperator(rig), TEAM);
  rig.begin(rotationToken('a'));
  await expect(rig.step('createSecret', rotationToken('a'))).rejects.toThrow(/has no staged key/);
  rig.stage('gsk_second');
  expect(() => rig.begin(rotationToken('b'))).toThrow(/previous rotation/);
  await clearPendingVersion(buildOperator(rig), TEAM);
  await rig.rotate(rotationToken('b'));
  expect(await rig.current()).toBe('gsk_second');
  const made = new GroqKeyTestRig('admin-api');
  made.begin(rotationToken('a'));
  await expect(clearPendingVersion(buildOperator(made), TEAM)).rejects.toThrow(/is in progress/);
  made.nowEpochMs += 300_000;
  await clearPendingVersion(buildOperator(made), TEAM);
  expect((await made.secret.state()).stages.has(rotationToken('a'))).toBe(false);
});

it("accepts an operator's confirmation of a deletion, unless Groq still accepts the key", async () => {
  const rig = new GroqKeyTestRig();
  rig.stage('gsk_second');
  await rig.rotate(rotationToken('a'));
  const first = deriveGroqKeyId('gsk_first');
  const versionId = (await rig.records.read(TEAM, first))?.versionId;
  expect(versionId).toBeDefined();
  await expect(confirmGroqKeyDeleted(buildOperator(rig), TEAM, first)).rejects.toThrow(
    /^Groq still accepts .*; delete it in Groq's console first/,
  );
  await expect(confirmGroqKeyDeleted(buildOperator(rig), TEAM, SECOND)).rejects.toThrow(/is current/);
  rig.accepted.delete('gsk_first');
  await confirmGroqKeyDeleted(buildOperator(rig), TEAM, first);
  expect(await readKeyState(rig, first)).toBe('deleted');
});
