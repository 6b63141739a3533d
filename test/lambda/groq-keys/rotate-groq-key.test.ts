import { describe, expect, it } from 'vitest';
import { groqSecretName } from '../../../lambda/contract.ts';
import { deriveGroqKeyId } from '../../../lambda/groq/io/groq-key-id.ts';
import { groqKeyState } from '../../../lambda/groq-keys/groq-key-record.ts';
import { StagedKeyMissingError } from '../../../lambda/groq-keys/groq-key-source.ts';
import { GROQ_KEY_SOURCES } from '../../../lambda/policy/environment-schema.ts';
import { LocalSecretsManager } from '../../../local/secrets-manager/secrets-manager.ts';
import {
  GroqKeyTestRig,
  isProcessCrash,
  ROTATION_STEPS,
  rotationToken,
  TEAM,
} from '../../support/keys/groq-key-rig.ts';

const [A, B] = [rotationToken('a'), rotationToken('b')];
const FIRST = deriveGroqKeyId('gsk_first');

describe.each(GROQ_KEY_SOURCES)('a rotation of a Groq key by %s', (source) => {
  const createRig = () => {
    const rig = new GroqKeyTestRig(source);
    rig.stage('gsk_second');
    rig.stage('gsk_third');
    return rig;
  };
  const next = (rig: GroqKeyTestRig) => (rig.source === 'staged' ? 'gsk_second' : 'gsk_made_1');

  it('makes the next key current and the old one previous, and notifies operators', async () => {
    const rig = createRig();
    await rig.rotate(A);
    expect(await rig.current()).toBe(next(rig));
    expect((await rig.keyWithLabel('AWSPREVIOUS'))?.apiKey).toBe('gsk_first');
    expect(await rig.keyWithLabel('AWSPENDING')).toBeUndefined();
    const keyId = deriveGroqKeyId(next(rig));
    expect(await rig.records.read(TEAM, keyId)).toMatchObject({
      currentFromEpochMs: rig.nowEpochMs,
      replaces: FIRST,
    });
    expect(await rig.records.read(TEAM, FIRST)).toMatchObject({ replacedBy: keyId });
    expect(rig.events).toMatchObject([{ kind: 'promoted', keyId, otherKeyId: FIRST, team: TEAM }]);
    expect([...rig.reports.values()].join()).toContain('First edition');
    expect(JSON.stringify([rig.events, [...rig.reports], rig.entries, await rig.records.list(TEAM)])).not.toContain(
      'gsk_',
    );
  });

  it('is idempotent: running each step twice has no further effect', async () => {
    const rig = createRig();
    rig.begin(A);
    for (const step of ROTATION_STEPS) {
      await rig.step(step, A);
      await rig.step(step, A);
    }
    expect(await rig.current()).toBe(next(rig));
    expect(rig.events).toHaveLength(1);
    expect(await rig.queue()).toHaveLength(source === 'staged' ? 1 : 2);
    expect(rig.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
  });

  it('reaches the same state after a crash between any two writes, with a valid current key throughout', async () => {
    let crashes = 0;
    for (let writes = 0; ; writes++) {
      const rig = createRig();
      rig.begin(A);
      rig.crashAfter(writes);
      let died = false;
      for (const step of ROTATION_STEPS) {
        for (let tries = 0; tries < 2; tries++) {
          try {
            await rig.step(step, A);
            break;
          } catch (error) {
            if (!isProcessCrash(error)) throw error;
            died = true;
            expect(rig.accepted).toContain(await rig.current());
            rig.crashAfter(Number.POSITIVE_INFINITY);
            rig.nowEpochMs += 600_000;
          }
        }
      }
      expect(rig.accepted).toContain(await rig.current());
      expect(await rig.current()).not.toBe('gsk_first');
      expect((await rig.keyWithLabel('AWSPREVIOUS'))?.apiKey).toBe('gsk_first');
      expect(await rig.keyWithLabel('AWSPENDING')).toBeUndefined();
      expect(await rig.queue()).toHaveLength(source === 'staged' ? 1 : 2);
      // No key created at the upstream is orphaned.
      expect(rig.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
      const states = (await rig.records.list(TEAM)).map(groqKeyState);
      expect(states.sort()).toEqual(['current', 'replaced']);
      if (!died) break;
      crashes++;
    }
    expect(crashes).toBeGreaterThan(8);
  });

  it('creates one key when the same step runs concurrently', async () => {
    const rig = createRig();
    rig.begin(A);
    await Promise.all([rig.step('createSecret', A), rig.step('createSecret', A), rig.step('createSecret', A)]);
    for (const step of ROTATION_STEPS) await rig.step(step, A);
    expect(rig.accepted).toContain(await rig.current());
    expect(rig.upstreamKeys.size).toBe(source === 'staged' ? 0 : 1);
  });

  it('refuses the steps of a rotation that another one has replaced', async () => {
    const rig = createRig();
    rig.begin(A);
    await rig.step('createSecret', A);
    expect(() => rig.begin(B)).toThrow(/previous rotation/);
    // AWS refuses a second rotation, but an operator can remove the label by hand.
    rig.label('AWSPENDING', undefined, A);
    rig.begin(B);
    // Secrets Manager no longer lists a version without labels.
    for (const step of ROTATION_STEPS) await expect(rig.step(step, A)).rejects.toThrow(/no such version/);
    for (const step of ROTATION_STEPS) await rig.step(step, B);
    expect(await rig.current()).not.toBe('gsk_first');
    for (const step of ROTATION_STEPS) await expect(rig.step(step, A)).rejects.toThrow(/no such version/);
  });

  it('changes nothing for a version that is already current', async () => {
    const rig = createRig();
    await rig.rotate(A);
    const eventCount = rig.events.length;
    for (const step of ROTATION_STEPS) await rig.step(step, A);
    expect(rig.events).toHaveLength(eventCount);
    expect(await rig.current()).toBe(next(rig));
  });

  it('refuses an unknown version, and one that is not pending', async () => {
    const rig = createRig();
    for (const step of ROTATION_STEPS) await expect(rig.step(step, B)).rejects.toThrow(/no such version/);
    const [waiting = ''] = [...(await rig.secret.state()).stages]
      .filter(([, labels]) => labels.some((label) => label.startsWith('STAGED-')))
      .map(([id]) => id);
    for (const step of ROTATION_STEPS) await expect(rig.step(step, waiting)).rejects.toThrow(/not the pending one/);
  });
});

it('refuses a secret that is not set to be rotated', async () => {
  const secrets = new LocalSecretsManager();
  const rig = new GroqKeyTestRig();
  const Name = groqSecretName(TEAM, 'prod');
  secrets.handle('CreateSecret', { Name, SecretString: '{"apiKey":"gsk_x"}' });
  const { groqSecret } = await import('../../../lambda/groq-keys/io/groq-secret.ts');
  const { rotateGroqKey } = await import('../../../lambda/groq-keys/rotate-groq-key.ts');
  for (const step of ROTATION_STEPS)
    await expect(rotateGroqKey(rig.ports, groqSecret(secrets.client, Name, 'prod'), step, A)).rejects.toThrow(
      /not set to be rotated/,
    );
});

describe('a rotation by staged keys', () => {
  it('reports that none is staged, and keeps the current key', async () => {
    const rig = new GroqKeyTestRig();
    rig.begin(A);
    await expect(rig.step('createSecret', A)).rejects.toThrow(StagedKeyMissingError);
    await expect(rig.step('createSecret', A)).rejects.toThrow(/npx groq-rbac groq-key stage --team chatbot --env prod/);
    for (const step of ['testSecret', 'finishSecret'] as const)
      await expect(rig.step(step, A)).rejects.toThrow(/holds no key/);
    expect(await rig.current()).toBe('gsk_first');
    expect(rig.events).toMatchObject([{ kind: 'staged_key_missing', team: TEAM }]);
    rig.stage('gsk_second');
    for (const step of ROTATION_STEPS) await rig.step(step, A);
    expect(await rig.current()).toBe('gsk_second');
  });

  it('skips a key that Groq refuses, and notifies operators', async () => {
    const rig = new GroqKeyTestRig();
    const bad = rig.stage('gsk_mistyped', false);
    rig.stage('gsk_good');
    await rig.rotate(A);
    expect(await rig.current()).toBe('gsk_good');
    expect(await rig.queue()).toEqual([]);
    expect(rig.events.map(({ kind, keyId }) => [kind, keyId])).toEqual([
      ['staged_key_refused', bad],
      ['promoted', deriveGroqKeyId('gsk_good')],
    ]);
    expect(groqKeyState((await rig.records.read(TEAM, bad)) ?? {})).toBe('refused');
  });

  it('removes the current key from the queue', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_first');
    rig.begin(A);
    await expect(rig.step('createSecret', A)).rejects.toThrow(StagedKeyMissingError);
    expect(await rig.queue()).toEqual([]);
  });

  it('drops a pending key that Groq has come to refuse, so that the next rotation can start', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    rig.begin(A);
    await rig.step('createSecret', A);
    rig.accepted.delete('gsk_second');
    await expect(rig.step('testSecret', A)).rejects.toThrow(/Groq refuses the pending key/);
    expect(await rig.keyWithLabel('AWSPENDING')).toBeUndefined();
    expect(await rig.current()).toBe('gsk_first');
    rig.stage('gsk_third');
    await rig.rotate(B);
    expect(await rig.current()).toBe('gsk_third');
  });

  it('keeps the queue while Groq refuses every key, as in an outage', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    rig.stage('gsk_third');
    const queue = await rig.queue();
    const taken = [...rig.accepted];
    rig.accepted.clear();
    rig.begin(A);
    await expect(rig.step('createSecret', A)).rejects.toThrow(/refuses every key of team chatbot/);
    expect(await rig.queue()).toEqual(queue);
    expect(rig.events).toEqual([]);
    for (const key of taken) rig.accepted.add(key);
    await rig.step('createSecret', A);
    rig.accepted.clear();
    await expect(rig.step('testSecret', A)).rejects.toThrow(/Groq refuses the pending key/);
    expect(await rig.queue()).toEqual(queue);
    expect(rig.events).toEqual([]);
    for (const key of taken) rig.accepted.add(key);
    await rig.rotate(B);
    expect(await rig.current()).toBe('gsk_second');
  });

  it('drops refused staged keys while Groq accepts the previous key, even if it refuses the current one', async () => {
    const rig = new GroqKeyTestRig();
    rig.stage('gsk_second');
    await rig.rotate(A);
    rig.accepted.delete('gsk_second');
    rig.stage('gsk_third', false);
    rig.begin(B);
    await expect(rig.step('createSecret', B)).rejects.toThrow(StagedKeyMissingError);
    expect(await rig.queue()).toEqual([]);
  });

  it('drops a pending version that holds the current key', async () => {
    const rig = new GroqKeyTestRig();
    rig.secrets.handle('PutSecretValue', {
      SecretId: groqSecretName(TEAM, 'prod'),
      ClientRequestToken: A,
      SecretString: '{"apiKey":"gsk_first"}',
      VersionStages: ['AWSPENDING'],
    });
    await expect(rig.step('createSecret', A)).rejects.toThrow(/holds the current key/);
    rig.stage('gsk_second');
    await rig.rotate(B);
    expect(await rig.current()).toBe('gsk_second');
  });
});

it('does not delete a key that a concurrent run of the same step is creating', async () => {
  const rig = new GroqKeyTestRig('admin-api');
  rig.begin(A);
  // The other run has created the key, but not yet written it into the secret.
  const { name } = await rig.records.beginKeyCreation(TEAM, A, 'chatbot-prod-2026-11', rig.nowEpochMs);
  await rig.ports.keyApi.create('gsk_first', name);
  rig.nowEpochMs += 299_999;
  await expect(rig.step('createSecret', A)).rejects.toThrow(/another run of this step is creating the key/);
  expect(rig.upstreamKeys.size).toBe(1);
  rig.nowEpochMs += 1;
  await rig.step('createSecret', A);
  expect([...rig.upstreamKeys.keys()]).toEqual(['up-2']);
});

it("names a key that the upstream's API creates after the month, with a number if that name is taken", async () => {
  const rig = new GroqKeyTestRig('admin-api');
  await rig.rotate(A);
  await rig.rotate(B);
  expect([...rig.upstreamKeys.values()].map(({ name }) => name)).toEqual([
    'chatbot-prod-2026-11',
    'chatbot-prod-2026-11-2',
  ]);
});
