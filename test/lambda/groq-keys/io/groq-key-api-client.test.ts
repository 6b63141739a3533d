import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../../../lambda/groq/io/groq-key-id.ts';
import { GroqKeyApiClient } from '../../../../lambda/groq-keys/io/groq-key-api-client.ts';
import { type FakeGroq, startFakeGroq } from '../../../../local/fake-groq/server.ts';

let fake: FakeGroq;
beforeAll(async () => {
  fake = await startFakeGroq({ acceptedKeys: new Set(['gsk_admin']) });
});
afterAll(async () => await fake.close());
const calls = () => new GroqKeyApiClient(fake.baseUrl, fetch, async () => {});

it("creates, lists and deletes keys by the upstream's API", async () => {
  const made = await calls().create('gsk_admin', 'chatbot-prod-2026-11');
  expect(await calls().list('gsk_admin')).toEqual([{ upstreamId: made.upstreamId, name: 'chatbot-prod-2026-11' }]);
  expect(await calls().isAccepted(made.apiKey)).toBe(true);
  await calls().remove('gsk_admin', made.upstreamId);
  await calls().remove('gsk_admin', made.upstreamId);
  expect(await calls().isAccepted(made.apiKey)).toBe(false);
  expect(await calls().list('gsk_admin')).toEqual([]);
});

it('reports a key as refused only after two refusals in a row', async () => {
  const before = fake.keys.usageFor(deriveGroqKeyId('gsk_unknown')).refused;
  expect(await calls().isAccepted('gsk_unknown')).toBe(false);
  expect(fake.keys.usageFor(deriveGroqKeyId('gsk_unknown')).refused).toBe(before + 2);
  const answers = [401, 200];
  const once = new GroqKeyApiClient(
    undefined,
    async () => new Response('{}', { status: answers.shift() ?? 500 }),
    async () => {},
  );
  expect(await once.isAccepted('gsk_x')).toBe(true);
});

it.each([
  [429, true],
  [500, undefined],
  [403, undefined],
])('interprets status %i as %s', async (status, wanted) => {
  const client = new GroqKeyApiClient(undefined, async () => new Response('not json', { status }));
  if (wanted === undefined) await expect(client.isAccepted('gsk_x')).rejects.toThrow(`Groq answered ${status}`);
  else expect(await client.isAccepted('gsk_x')).toBe(wanted);
});

it('never puts a key into an error', async () => {
  const broken = new GroqKeyApiClient('http://127.0.0.1:1');
  const error: unknown = await broken.isAccepted('gsk_secret').catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(Error);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('gsk_secret');
  await expect(calls().create('gsk_secret', 'x')).rejects.toThrow('the upstream answered 401 to the creation of a key');
});

it('never follows a redirect with the key', async () => {
  const requested: (string | undefined)[] = [];
  const client = new GroqKeyApiClient(undefined, async (_url, init) => {
    requested.push(init?.redirect);
    return new Response(null, { status: 302, headers: { location: 'https://elsewhere.example' } });
  });
  await expect(client.isAccepted('gsk_x')).rejects.toThrow('Groq answered 302');
  expect(requested).toEqual(['manual']);
});
