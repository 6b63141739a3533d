import { describe, expect, it } from 'vitest';
import { groqSecretName } from '../../../lambda/contract.ts';
import { groqKeyIdOf } from '../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyStateOf } from '../../../lambda/groq-keys/groq-key-record.ts';
import { StagedKeyMissing } from '../../../lambda/groq-keys/groq-key-source.ts';
import { GROQ_KEY_SOURCES } from '../../../lambda/policy/environment-schema.ts';
import { LocalSecretsManager } from '../../../local/secrets-manager/secrets-manager.ts';
import { GroqKeyWorld, isDeath, ROTATION_STEPS, TEAM, tokenOf } from '../../support/keys/groq-key-world.ts';

const [A, B] = [tokenOf('a'), tokenOf('b')];
const FIRST = groqKeyIdOf('gsk_first');

describe.each(GROQ_KEY_SOURCES)('a rotation of a Groq key by %s', (source) => {
  const worldOf = () => {
    const world = new GroqKeyWorld(source);
    world.stage('gsk_second');
    world.stage('gsk_third');
    return world;
  };
  const next = (world: GroqKeyWorld) => (world.source === 'staged' ? 'gsk_second' : 'gsk_made_1');

  it('ends with the next key current, the old one previous, and a word to people', async () => {
    const world = worldOf();
    await world.rotate(A);
    expect(await world.current()).toBe(next(world));
    expect((await world.labelled('AWSPREVIOUS'))?.apiKey).toBe('gsk_first');
    expect(await world.labelled('AWSPENDING')).toBeUndefined();
    const keyId = groqKeyIdOf(next(world));
    expect(await world.records.read(TEAM, keyId)).toMatchObject({
      currentFromEpochMs: world.nowEpochMs,
      replaces: FIRST,
    });
    expect(await world.records.read(TEAM, FIRST)).toMatchObject({ replacedBy: keyId });
    expect(world.news).toMatchObject([{ kind: 'promoted', keyId, otherKeyId: FIRST, team: TEAM }]);
    expect([...world.reports.values()].join()).toContain('First edition');
    expect(
      JSON.stringify([world.news, [...world.reports], world.entries, await world.records.list(TEAM)]),
    ).not.toContain('gsk_');
  });

  it('comes to the same when each step is told twice', async () => {
    const world = worldOf();
    world.begin(A);
    for (const step of ROTATION_STEPS) {
      await world.step(step, A);
      await world.step(step, A);
    }
    expect(await world.current()).toBe(next(world));
    expect(world.news).toHaveLength(1);
    expect(await world.queue()).toHaveLength(source === 'staged' ? 1 : 2);
    expect(world.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
  });

  it('comes to the same after a crash between any two writes, and the current key works all the while', async () => {
    let crashes = 0;
    for (let writes = 0; ; writes++) {
      const world = worldOf();
      world.begin(A);
      world.dieAfter(writes);
      let died = false;
      for (const step of ROTATION_STEPS) {
        for (let tries = 0; tries < 2; tries++) {
          try {
            await world.step(step, A);
            break;
          } catch (error) {
            if (!isDeath(error)) throw error;
            died = true;
            expect(world.accepted).toContain(await world.current());
            world.dieAfter(Number.POSITIVE_INFINITY);
            world.nowEpochMs += 600_000;
          }
        }
      }
      expect(world.accepted).toContain(await world.current());
      expect(await world.current()).not.toBe('gsk_first');
      expect((await world.labelled('AWSPREVIOUS'))?.apiKey).toBe('gsk_first');
      expect(await world.labelled('AWSPENDING')).toBeUndefined();
      expect(await world.queue()).toHaveLength(source === 'staged' ? 1 : 2);
      // Nothing that upstream made is lost sight of.
      expect(world.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
      const states = (await world.records.list(TEAM)).map(groqKeyStateOf);
      expect(states.sort()).toEqual(['current', 'replaced']);
      if (!died) break;
      crashes++;
    }
    expect(crashes).toBeGreaterThan(8);
  });

  it('makes one key of the same step at the same time', async () => {
    const world = worldOf();
    world.begin(A);
    await Promise.all([world.step('createSecret', A), world.step('createSecret', A), world.step('createSecret', A)]);
    for (const step of ROTATION_STEPS) await world.step(step, A);
    expect(world.accepted).toContain(await world.current());
    expect(world.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
  });

  it('leaves the place to another rotation that took it', async () => {
    const world = worldOf();
    world.begin(A);
    await world.step('createSecret', A);
    expect(() => world.begin(B)).toThrow(/previous rotation/);
    // What AWS refuses, a person may do all the same.
    world.label('AWSPENDING', undefined, A);
    world.begin(B);
    // A version without a label is as good as gone.
    for (const step of ROTATION_STEPS) await expect(world.step(step, A)).rejects.toThrow(/no such version/);
    for (const step of ROTATION_STEPS) await world.step(step, B);
    expect(await world.current()).not.toBe('gsk_first');
    for (const step of ROTATION_STEPS) await expect(world.step(step, A)).rejects.toThrow(/no such version/);
  });

  it('finds a version that is current already as it should be', async () => {
    const world = worldOf();
    await world.rotate(A);
    const told = world.news.length;
    for (const step of ROTATION_STEPS) await world.step(step, A);
    expect(world.news).toHaveLength(told);
    expect(await world.current()).toBe(next(world));
  });

  it('refuses a version that there is not, and one that is not pending', async () => {
    const world = worldOf();
    for (const step of ROTATION_STEPS) await expect(world.step(step, B)).rejects.toThrow(/no such version/);
    const [waiting = ''] = [...(await world.secret.state()).stages]
      .filter(([, labels]) => labels.some((label) => label.startsWith('STAGED-')))
      .map(([id]) => id);
    for (const step of ROTATION_STEPS) await expect(world.step(step, waiting)).rejects.toThrow(/not the pending one/);
  });
});

it('refuses a secret that is not set to be rotated', async () => {
  const secrets = new LocalSecretsManager();
  const world = new GroqKeyWorld();
  const Name = groqSecretName(TEAM, 'prod');
  secrets.answer('CreateSecret', { Name, SecretString: '{"apiKey":"gsk_x"}' });
  const { groqSecret } = await import('../../../lambda/groq-keys/io/groq-secret.ts');
  const { rotateGroqKey } = await import('../../../lambda/groq-keys/rotate-groq-key.ts');
  for (const step of ROTATION_STEPS)
    await expect(rotateGroqKey(world.ports, groqSecret(secrets.client, Name, 'prod'), step, A)).rejects.toThrow(
      /not set to be rotated/,
    );
});

describe('a rotation by staged keys', () => {
  it('says plainly that none waits, and leaves the current key alone', async () => {
    const world = new GroqKeyWorld();
    world.begin(A);
    await expect(world.step('createSecret', A)).rejects.toThrow(StagedKeyMissing);
    await expect(world.step('createSecret', A)).rejects.toThrow(
      /npx groq-rbac groq-key stage --team chatbot --env prod/,
    );
    for (const step of ['testSecret', 'finishSecret'] as const)
      await expect(world.step(step, A)).rejects.toThrow(/holds no key/);
    expect(await world.current()).toBe('gsk_first');
    expect(world.news).toMatchObject([{ kind: 'staged_key_missing', team: TEAM }]);
    world.stage('gsk_second');
    for (const step of ROTATION_STEPS) await world.step(step, A);
    expect(await world.current()).toBe('gsk_second');
  });

  it('passes over a key that Groq refuses, and tells of it', async () => {
    const world = new GroqKeyWorld();
    const bad = world.stage('gsk_mistyped', false);
    world.stage('gsk_good');
    await world.rotate(A);
    expect(await world.current()).toBe('gsk_good');
    expect(await world.queue()).toEqual([]);
    expect(world.news.map(({ kind, keyId }) => [kind, keyId])).toEqual([
      ['staged_key_refused', bad],
      ['promoted', groqKeyIdOf('gsk_good')],
    ]);
    expect(groqKeyStateOf((await world.records.read(TEAM, bad)) ?? {})).toBe('refused');
  });

  it('takes the current key out of the queue', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_first');
    world.begin(A);
    await expect(world.step('createSecret', A)).rejects.toThrow(StagedKeyMissing);
    expect(await world.queue()).toEqual([]);
  });

  it('gives up a pending key that Groq refuses by now, so that the next rotation is free', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    world.begin(A);
    await world.step('createSecret', A);
    world.accepted.delete('gsk_second');
    await expect(world.step('testSecret', A)).rejects.toThrow(/Groq refuses the pending key/);
    expect(await world.labelled('AWSPENDING')).toBeUndefined();
    expect(await world.current()).toBe('gsk_first');
    world.stage('gsk_third');
    await world.rotate(B);
    expect(await world.current()).toBe('gsk_third');
  });

  it('drops no key of the queue while Groq refuses every key, as in an outage', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    world.stage('gsk_third');
    const queue = await world.queue();
    const taken = [...world.accepted];
    world.accepted.clear();
    world.begin(A);
    await expect(world.step('createSecret', A)).rejects.toThrow(/refuses every key of team chatbot/);
    expect(await world.queue()).toEqual(queue);
    expect(world.news).toEqual([]);
    for (const key of taken) world.accepted.add(key);
    await world.step('createSecret', A);
    world.accepted.clear();
    await expect(world.step('testSecret', A)).rejects.toThrow(/Groq refuses the pending key/);
    expect(await world.queue()).toEqual(queue);
    expect(world.news).toEqual([]);
    for (const key of taken) world.accepted.add(key);
    await world.rotate(B);
    expect(await world.current()).toBe('gsk_second');
  });

  it('drops what Groq refuses where it takes a key in use, and the current one is dead', async () => {
    const world = new GroqKeyWorld();
    world.stage('gsk_second');
    await world.rotate(A);
    world.accepted.delete('gsk_second');
    world.stage('gsk_third', false);
    world.begin(B);
    await expect(world.step('createSecret', B)).rejects.toThrow(StagedKeyMissing);
    expect(await world.queue()).toEqual([]);
  });

  it('drops a pending version that holds the current key', async () => {
    const world = new GroqKeyWorld();
    world.secrets.answer('PutSecretValue', {
      SecretId: groqSecretName(TEAM, 'prod'),
      ClientRequestToken: A,
      SecretString: '{"apiKey":"gsk_first"}',
      VersionStages: ['AWSPENDING'],
    });
    await expect(world.step('createSecret', A)).rejects.toThrow(/holds the current key/);
    world.stage('gsk_second');
    await world.rotate(B);
    expect(await world.current()).toBe('gsk_second');
  });
});

it('does not delete a key that another run of the same step is just making', async () => {
  const world = new GroqKeyWorld('admin-api');
  world.begin(A);
  // The other run has made it, and has not come to put it into the secret.
  const { name } = await world.records.beginMaking(TEAM, A, 'chatbot-prod-2026-11', world.nowEpochMs);
  await world.ports.keyApi.create('gsk_first', name);
  world.nowEpochMs += 299_999;
  await expect(world.step('createSecret', A)).rejects.toThrow(/just being made by another run/);
  expect(world.upstreamKeys.size).toBe(1);
  world.nowEpochMs += 1;
  await world.step('createSecret', A);
  expect([...world.upstreamKeys.keys()]).toEqual(['up-2']);
});

it("names a key that upstream's API makes after the month, with a number where that is taken", async () => {
  const world = new GroqKeyWorld('admin-api');
  await world.rotate(A);
  await world.rotate(B);
  expect([...world.upstreamKeys.values()].map(({ name }) => name)).toEqual([
    'chatbot-prod-2026-11',
    'chatbot-prod-2026-11-2',
  ]);
});
