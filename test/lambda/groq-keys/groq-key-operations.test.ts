import { describe, expect, it } from 'vitest';
import { groqKeyIdOf } from '../../../lambda/groq/io/groq-key-id.ts';
import {
  clearPending,
  confirmDeleted,
  revokeGroqKey,
  unstageGroqKey,
} from '../../../lambda/groq-keys/groq-key-endings.ts';
import { setGroqKey, stageGroqKey } from '../../../lambda/groq-keys/groq-key-operations.ts';
import type { GroqKeyOperator } from '../../../lambda/groq-keys/groq-key-operator.ts';
import { groqKeyStateOf } from '../../../lambda/groq-keys/groq-key-record.ts';
import { GroqKeyWorld, TEAM, tokenOf } from '../../support/keys/groq-key-world.ts';

const SECOND = groqKeyIdOf('gsk_second');

function operatorOf(world: GroqKeyWorld): GroqKeyOperator {
  let made = 0;
  return {
    ...world.ports,
    secretOf: () => world.secret,
    teams: [TEAM, 'analytics'],
    actor: 'operator',
    newVersionId: () => tokenOf(`by-operator-${world.nowEpochMs}-${++made}`),
  };
}

const stateOf = async (world: GroqKeyWorld, keyId: string) =>
  groqKeyStateOf((await world.records.read(TEAM, keyId)) ?? {});

describe('staging a Groq key', () => {
  it('puts it at the end of the queue, by name and on record, and a rotation takes it', async () => {
    const world = new GroqKeyWorld();
    world.accepted.add('gsk_second').add('gsk_third');
    expect(await stageGroqKey(operatorOf(world), TEAM, 'gsk_second')).toMatchObject({
      key: { name: 'chatbot-prod-2026-11', keyId: SECOND },
      waiting: 1,
    });
    world.nowEpochMs += 1;
    expect(await stageGroqKey(operatorOf(world), TEAM, 'gsk_third')).toMatchObject({
      key: { name: 'chatbot-prod-2026-11-2' },
      waiting: 2,
    });
    expect(world.entries).toMatchObject([{ action: 'stage_groq_key', actor: 'operator', source: 'cli' }, {}]);
    await world.rotate(tokenOf('a'));
    expect(await world.current()).toBe('gsk_second');
    expect(await world.records.read(TEAM, SECOND)).toMatchObject({
      stagedBy: 'operator',
      name: 'chatbot-prod-2026-11',
    });
    expect(JSON.stringify([world.entries, world.news])).not.toContain('gsk_');
  });

  it.each<[string, (world: GroqKeyWorld) => Promise<void> | void, string, RegExp]>([
    ['that Groq refuses', () => {}, 'gsk_second', /Groq refuses this key/],
    ['that is current', () => {}, 'gsk_first', /current key/],
    ['that waits already', (world) => void world.stage('gsk_second'), 'gsk_second', /waits in the queue already/],
    [
      'of another team',
      async (world) => {
        world.accepted.add('gsk_second');
        await world.records.note('analytics', SECOND, { currentFromEpochMs: 1 });
      },
      'gsk_second',
      /a key of team analytics/,
    ],
    ['with a space in it', () => {}, 'gsk second', /that is no key/],
    [
      'beyond the queue',
      (world) => {
        for (let n = 0; n < 8; n++) world.stage(`gsk_waiting_${n}`);
      },
      'gsk_second',
      /8 keys wait/,
    ],
    [
      'that has just been replaced',
      async (world) => {
        world.stage('gsk_second');
        await world.rotate(tokenOf('a'));
      },
      'gsk_first',
      /current one replaced/,
    ],
  ])('refuses one %s', async (_which, prepare, apiKey, why) => {
    const world = new GroqKeyWorld();
    await prepare(world);
    const before = await world.queue();
    await expect(stageGroqKey(operatorOf(world), TEAM, apiKey)).rejects.toThrow(why);
    expect(await world.queue()).toEqual(before);
  });

  it('takes one out again', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    await unstageGroqKey(operatorOf(world), TEAM, SECOND);
    expect(await world.queue()).toEqual([]);
    expect(await stateOf(world, SECOND)).toBe('unstaged');
    await expect(unstageGroqKey(operatorOf(world), TEAM, SECOND)).rejects.toThrow(/no key .* waits/);
    await stageGroqKey(operatorOf(world), TEAM, 'gsk_second');
    expect(await stateOf(world, SECOND)).toBe('staged');
  });
});

describe('setting a Groq key', () => {
  it('never takes the place of one that works', async () => {
    const world = new GroqKeyWorld();
    world.accepted.add('gsk_second');
    await expect(setGroqKey(operatorOf(world), TEAM, 'gsk_second')).rejects.toThrow(/has a key that works/);
    expect(await world.current()).toBe('gsk_first');
  });

  it('takes the place of one that Groq refuses, which no gateway tries any more', async () => {
    const world = new GroqKeyWorld();
    world.accepted.clear();
    world.accepted.add('gsk_second');
    await setGroqKey(operatorOf(world), TEAM, 'gsk_second', 'by-hand');
    expect(await world.current()).toBe('gsk_second');
    expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
    expect([await stateOf(world, SECOND), await stateOf(world, groqKeyIdOf('gsk_first'))]).toEqual([
      'current',
      'replaced',
    ]);
  });
});

describe('switching a Groq key off', () => {
  it('marks it before the next one is current, and lets nothing go back to it', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    const revoked = await revokeGroqKey(operatorOf(world), TEAM, 'leaked');
    expect(await stateOf(world, revoked.keyId)).toBe('revoked');
    await world.rotate(tokenOf('a'));
    expect(await world.current()).toBe('gsk_second');
    expect(await world.labelled('AWSPREVIOUS')).toBeUndefined();
    expect(await stateOf(world, revoked.keyId)).toBe('revoked');
    expect(world.news.at(-1)?.lines.join(' ')).toContain("delete it in Groq's console now");
  });

  it('leaves the key alone that took its place, when a second operator does the same', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    world.stage('gsk_third');
    await revokeGroqKey(operatorOf(world), TEAM, 'leaked');
    await world.rotate(tokenOf('a'));
    await expect(revokeGroqKey(operatorOf(world), TEAM, 'leaked')).rejects.toThrow(`--key ${SECOND}`);
    const first = groqKeyIdOf('gsk_first');
    await expect(revokeGroqKey(operatorOf(world), TEAM, 'leaked', first)).rejects.toThrow(/nothing was switched off/);
    expect(await stateOf(world, SECOND)).toBe('current');
    expect((await revokeGroqKey(operatorOf(world), TEAM, 'leaked', SECOND)).keyId).toBe(SECOND);
    await world.rotate(tokenOf('b'));
    world.stage('gsk_fourth');
    world.nowEpochMs += 900_000;
    expect((await revokeGroqKey(operatorOf(world), TEAM, 'leaked')).keyId).toBe(groqKeyIdOf('gsk_third'));
  });

  it('does nothing where no key waits', async () => {
    const world = new GroqKeyWorld();
    await expect(revokeGroqKey(operatorOf(world), TEAM, 'leaked')).rejects.toThrow(/nothing to go on with/);
    expect(world.entries).toEqual([]);
  });
});

it('clears away what a failed rotation left pending, but no key that is just being made', async () => {
  const world = new GroqKeyWorld();
  await clearPending(operatorOf(world), TEAM);
  world.begin(tokenOf('a'));
  await expect(world.step('createSecret', tokenOf('a'))).rejects.toThrow(/no staged key waits/);
  world.stage('gsk_second');
  expect(() => world.begin(tokenOf('b'))).toThrow(/previous rotation/);
  await clearPending(operatorOf(world), TEAM);
  await world.rotate(tokenOf('b'));
  expect(await world.current()).toBe('gsk_second');
  const made = new GroqKeyWorld('admin-api');
  made.begin(tokenOf('a'));
  await expect(clearPending(operatorOf(made), TEAM)).rejects.toThrow(/is under way/);
  made.nowEpochMs += 300_000;
  await clearPending(operatorOf(made), TEAM);
  expect((await made.secret.state()).stages.has(tokenOf('a'))).toBe(false);
});

it("takes an operator's word for a deletion, unless Groq still takes the key", async () => {
  const world = new GroqKeyWorld();
  world.stage('gsk_second');
  await world.rotate(tokenOf('a'));
  const first = groqKeyIdOf('gsk_first');
  const versionId = (await world.records.read(TEAM, first))?.versionId;
  expect(versionId).toBeDefined();
  await expect(confirmDeleted(operatorOf(world), TEAM, first)).rejects.toThrow(
    /^Groq still takes .*; delete it in Groq's console first/,
  );
  await expect(confirmDeleted(operatorOf(world), TEAM, SECOND)).rejects.toThrow(/is current/);
  world.accepted.delete('gsk_first');
  await confirmDeleted(operatorOf(world), TEAM, first);
  expect(await stateOf(world, first)).toBe('deleted');
});
