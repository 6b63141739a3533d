import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { serviceSecretName } from '../../lambda/contract.ts';
import { DynamoKeyRepository } from '../../lambda/team-keys/io/key-repository.ts';
import { postChat } from '../support/gateway/gateway-process.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const secrets = new SecretsManagerClient({});
const SecretId = serviceSecretName('rotated', target.environmentName);
const ROTATION_TIMEOUT_MS = 60_000;

/** Reads the secret as a service does, until it contains another key. */
async function waitForNewKey(keyId: string | undefined): Promise<{ apiKey: string; keyId: string }> {
  const startMs = performance.now();
  for (;;) {
    const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    const current = JSON.parse(SecretString);
    if (typeof current.keyId === 'string' && current.keyId !== keyId) return current;
    expect(performance.now() - startMs, 'no rotation has stored a key').toBeLessThan(ROTATION_TIMEOUT_MS);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

it("fails no request during a rotation of a team's key by the deployed function", async () => {
  const first = await waitForNewKey(undefined);
  expect((await postChat(target, first.apiKey, {})).status).toBe(200);
  const statuses: number[] = [];
  let isStopped = false;
  let inSecret = first.apiKey;
  const services = ['reads the secret again', 'keeps the old key'].map(async (kind) => {
    while (!isStopped) {
      const key = kind === 'keeps the old key' ? first.apiKey : inSecret;
      statuses.push((await postChat(target, key, {})).status);
    }
  });
  await secrets.send(new RotateSecretCommand({ SecretId }));
  const second = await waitForNewKey(first.keyId);
  inSecret = second.apiKey;
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  isStopped = true;
  await Promise.all(services);
  expect(statuses.length).toBeGreaterThan(4);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const repository = new DynamoKeyRepository(
    new DynamoDBClient({}),
    target.registryTable,
    target.environmentName,
    Date.now,
  );
  await expect
    .poll(async () => (await repository.read(first.keyId))?.rotatedTo, { timeout: ROTATION_TIMEOUT_MS })
    .toBe(second.keyId);
  expect(await repository.read(second.keyId)).toMatchObject({ team: 'rotated', role: 'member', createdBy: 'rotation' });
  const { VersionIdsToStages } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  expect(Object.values(VersionIdsToStages ?? {}).flat()).toContain('AWSPREVIOUS');
});
