import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { DynamoKeyStore } from '../../lambda/access/io/dynamo-key-store.ts';
import { mintKey } from '../../lambda/access/io/gateway-key.ts';
import { requireDeployed } from '../support/gateway/target.ts';

/** The authorizer's cache, with a margin. */
const REVOCATION_TIMEOUT_MS = 65_000;

const target = requireDeployed();

it('caches the authorizer for a minute, and then refuses a revoked key', async () => {
  const keys = new DynamoKeyStore(new DynamoDBClient({}), target.registryTable, Date.now);
  const { key, keyId } = mintKey(target.environmentName);
  await keys.put(key, {
    keyId,
    role: 'member',
    team: 'roomy',
    name: 'roomy-rehearsal-test',
    createdAtEpochMs: Date.now(),
  });
  const statusNow = async () => {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${target.baseUrl}/openai/v1/models`, { headers })).status;
  };
  expect(await statusNow()).toBe(200);
  await keys.revoke(keyId);
  // API Gateway answers the next request from its cache.
  expect(await statusNow()).toBe(200);
  const startMs = performance.now();
  while ((await statusNow()) !== 401) {
    expect(performance.now() - startMs).toBeLessThan(REVOCATION_TIMEOUT_MS);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
});
