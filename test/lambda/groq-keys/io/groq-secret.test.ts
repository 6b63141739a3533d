import { expect, it } from 'vitest';
import { groqSecretName } from '../../../../lambda/contract.ts';
import { type GroqKey, stagedLabel } from '../../../../lambda/groq/groq-key-versions.ts';
import { deriveGroqKeyId } from '../../../../lambda/groq/io/groq-key-id.ts';
import { groqSecret, startGroqRotation } from '../../../../lambda/groq-keys/io/groq-secret.ts';
import { LocalSecretsManager, type RotationEvent } from '../../../../local/secrets-manager/secrets-manager.ts';
import { rotationToken } from '../../../support/keys/groq-key-rig.ts';

const NAME = groqSecretName('chatbot', 'test');
const [A, B] = [rotationToken('a'), rotationToken('b')];
const buildGroqKey = (apiKey: string): GroqKey => ({ apiKey, keyId: deriveGroqKeyId(apiKey), name: 'chatbot-test' });

/** Opens a team's secret with its first key, and collects Secrets Manager's calls of the rotation function. */
function secretFor() {
  const rotationEvents: RotationEvent[] = [];
  const manager = new LocalSecretsManager({ rotate: async (event) => void rotationEvents.push(event) });
  manager.handle('CreateSecret', { Name: NAME, SecretString: '{"apiKey":"gsk_first"}', ClientRequestToken: A });
  return { manager, rotationEvents, secret: groqSecret(manager.client, NAME, 'test') };
}

it('writes a version once, and returns its existing key to a second writer', async () => {
  const { manager, secret } = secretFor();
  manager.handle('RotateSecret', { SecretId: NAME, ClientRequestToken: B });
  expect(await secret.read(B)).toBeUndefined();
  const putPending = async (key: GroqKey) => await secret.put(B, key, 'AWSPENDING');
  expect(await putPending(buildGroqKey('gsk_second'))).toEqual(buildGroqKey('gsk_second'));
  expect(await putPending(buildGroqKey('gsk_second'))).toEqual(buildGroqKey('gsk_second'));
  expect(await putPending(buildGroqKey('gsk_third'))).toEqual(buildGroqKey('gsk_second'));
  expect((await secret.read(B))?.apiKey).toBe('gsk_second');
});

it('moves the current label, while AWS moves the previous one', async () => {
  const { secret } = secretFor();
  const label = stagedLabel(0, deriveGroqKeyId('gsk_second'));
  await secret.put(B, buildGroqKey('gsk_second'), label);
  await secret.moveCurrent(B, A);
  const { team, stages } = await secret.state();
  expect([team, Object.fromEntries(stages)]).toEqual([
    'chatbot',
    { [A]: ['AWSPREVIOUS'], [B]: expect.arrayContaining(['AWSCURRENT', label]) },
  ]);
  await expect(secret.moveCurrent(B, A)).resolves.toBeUndefined();
  await secret.removeLabel('AWSPREVIOUS', A);
  await secret.removeLabel('AWSPREVIOUS', A);
  await secret.removeLabel(label, A);
  expect((await secret.state()).stages).toEqual(new Map([[B, expect.arrayContaining(['AWSCURRENT', label])]]));
});

it('opens Groq secrets of its own environment only', async () => {
  const { manager } = secretFor();
  await expect(groqSecret(manager.client, NAME, 'prod').state()).rejects.toThrow("is no secret of a team's Groq key");
  await expect(groqSecret(manager.client, 'groq/nobody-test-gateway', 'test').state()).rejects.toThrow(
    'cannot describe',
  );
});

it("makes Secrets Manager start a rotation, and passes on AWS's message when it does not", async () => {
  const { manager, rotationEvents } = secretFor();
  await startGroqRotation(manager.client, 'chatbot', 'test', 'arn:aws:lambda:eu-central-1:111111111111:function:f');
  await expect
    .poll(() => rotationEvents.map(({ Step }) => Step))
    .toEqual(['createSecret', 'setSecret', 'testSecret', 'finishSecret']);
  await expect(startGroqRotation(manager.client, 'chatbot', 'test', 'arn')).rejects.toThrow(
    /previous rotation isn't complete/,
  );
});
