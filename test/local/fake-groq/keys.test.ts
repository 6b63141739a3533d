import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTestKey } from '../../../bench/rotation/simulated-secret.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';

const [a, b] = [newTestKey(), newTestKey()];
let fake: FakeGroq;
beforeEach(async () => {
  fake = await startFakeGroq({});
});
afterEach(async () => await fake.close());

const control = async (action: string, body: object) =>
  await fetch(`${fake.baseUrl}/_fake/keys/${action}`, { method: 'POST', body: JSON.stringify(body) });
const models = async (apiKey: string) =>
  await fetch(`${fake.baseUrl}/openai/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } });

describe('FakeKeys', () => {
  it('accepts any key at first, and then only the keys that a control request allows', async () => {
    expect((await models(a.apiKey)).status).toBe(200);
    expect((await control('only', { keyIds: [a.keyId] })).status).toBe(200);
    expect((await models(b.apiKey)).status).toBe(401);
    await control('allow', { keyIds: [b.keyId] });
    await control('revoke', { keyIds: [a.keyId] });
    expect([(await models(a.apiKey)).status, (await models(b.apiKey)).status]).toEqual([401, 200]);
  });

  it("refuses a revoked key with Groq's error", async () => {
    await control('revoke', { keyIds: [a.keyId] });
    const response = await models(a.apiKey);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key', message: 'Invalid API Key' } });
  });

  it('reports the usage of each key by its id, and never the key', async () => {
    await models(a.apiKey);
    await control('revoke', { keyIds: [b.keyId] });
    await models(b.apiKey);
    const text = await (await fetch(`${fake.baseUrl}/_fake/keys`)).text();
    expect(JSON.parse(text)).toMatchObject({
      takes: 'any',
      revoked: [b.keyId],
      uses: { [a.keyId]: { taken: 0, probes: 1, refused: 0 }, [b.keyId]: { probes: 0, refused: 1 } },
    });
    expect(text).not.toContain('gsk_');
  });

  it('refuses control requests with keys instead of ids, and unknown actions', async () => {
    expect((await control('revoke', { keyIds: [a.apiKey] })).status).toBe(400);
    expect((await control('forget', { keyIds: [a.keyId] })).status).toBe(404);
  });
});
