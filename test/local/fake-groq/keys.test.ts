import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTestKey } from '../../../bench/rotation/simulated-secret.ts';
import { type FakeGroq, startFakeGroq } from '../../../local/fake-groq/server.ts';

const [a, b] = [newTestKey(), newTestKey()];
let fake: FakeGroq;
beforeEach(async () => {
  fake = await startFakeGroq({});
});
afterEach(async () => await fake.close());

const control = async (act: string, body: object) =>
  await fetch(`${fake.baseUrl}/_fake/keys/${act}`, { method: 'POST', body: JSON.stringify(body) });
const models = async (apiKey: string) =>
  await fetch(`${fake.baseUrl}/openai/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } });

describe('the keys of the fake Groq', () => {
  it('are any at first, and then those it is told by their ids', async () => {
    expect((await models(a.apiKey)).status).toBe(200);
    expect((await control('only', { keyIds: [a.keyId] })).status).toBe(200);
    expect((await models(b.apiKey)).status).toBe(401);
    await control('allow', { keyIds: [b.keyId] });
    await control('revoke', { keyIds: [a.keyId] });
    expect([(await models(a.apiKey)).status, (await models(b.apiKey)).status]).toEqual([401, 200]);
  });

  it("are refused in Groq's words", async () => {
    await control('revoke', { keyIds: [a.keyId] });
    const answer = await models(a.apiKey);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key', message: 'Invalid API Key' } });
  });

  it('are told of by their ids, with what each was used for', async () => {
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

  it('are named by ids only', async () => {
    expect((await control('revoke', { keyIds: [a.apiKey] })).status).toBe(400);
    expect((await control('forget', { keyIds: [a.keyId] })).status).toBe(404);
  });
});
