import { afterAll, beforeAll, expect, it } from 'vitest';
import { GroqKeyApiClient } from '../../../../lambda/groq-keys/io/groq-key-api-client.ts';
import { readModelListing } from '../../../../lambda/groq-keys/watch/read-model-listing.ts';
import { compareCatalog } from '../../../../lambda/pricing/catalog-diff.ts';
import { type FakeGroq, startFakeGroq } from '../../../../local/fake-groq/server.ts';
import { catalog, catalogContent } from '../../../support/catalog.ts';
import { GroqKeyTestRig } from '../../../support/keys/groq-key-rig.ts';

let fake: FakeGroq;
let changed: FakeGroq;
beforeAll(async () => {
  const acceptedKeys = new Set(['gsk_first']);
  const content = catalogContent();
  const models = content.models.map((model) => ({ ...model, contextWindow: 262_144 })).slice(1);
  fake = await startFakeGroq({ acceptedKeys });
  changed = await startFakeGroq({ acceptedKeys, catalogFile: { ...content, models } });
});
afterAll(async () => {
  await fake.close();
  await changed.close();
});

const read = async (lister: { listModels: GroqKeyApiClient['listModels'] }, rig = new GroqKeyTestRig()) =>
  await readModelListing({ secretFor: () => rig.secret, lister }, ['chatbot', 'research']);

it("reads what Groq lists for a team's key, and it agrees with the catalog", async () => {
  const listed = await read(new GroqKeyApiClient(fake.baseUrl));
  expect(compareCatalog(catalog, listed ?? [])).toEqual([]);
  expect(listed?.length).toBeGreaterThan(5);
});

it('finds what another Groq lists otherwise', async () => {
  const differences = compareCatalog(catalog, (await read(new GroqKeyApiClient(changed.baseUrl))) ?? []);
  expect(differences).toContainEqual({ model: 'openai/gpt-oss-120b', field: 'listed', catalog: 'yes', groq: 'no' });
  expect(differences).toContainEqual({
    model: 'openai/gpt-oss-20b',
    field: 'contextWindow',
    catalog: '131072',
    groq: '262144',
  });
});

it.each<[string, () => Promise<Response>]>([
  ['a fault', async () => new Response('{"data":[{"id":"x"}]}', { status: 500 })],
  ['a rate limit', async () => new Response('{}', { status: 429 })],
  ['a page of an edge', async () => new Response('<html>', { status: 200 })],
  ['an empty list', async () => new Response('{"data":[]}')],
  ['no answer', async () => await Promise.reject(new Error('reset'))],
])('takes %s for no list', async (_title, answer) => {
  expect(await read(new GroqKeyApiClient(undefined, answer))).toBeUndefined();
});

it("takes a refused key for no list, and goes on with the next team's", async () => {
  expect(await read(new GroqKeyApiClient(fake.baseUrl), new GroqKeyTestRig('staged', 'gsk_other'))).toBeUndefined();
  const rig = new GroqKeyTestRig();
  const secretFor = (team: string) => {
    const { secret } = rig;
    if (team === 'gone') secret.state = () => Promise.reject(new Error('no such secret'));
    return secret;
  };
  const listed = await readModelListing({ secretFor, lister: new GroqKeyApiClient(fake.baseUrl) }, ['gone', 'chatbot']);
  expect(listed?.length).toBeGreaterThan(5);
});

it("counts a model as listed and active if any team's key sees it so", async () => {
  const prices = new Map();
  const answers = [
    [{ id: 'a', isActive: true, prices }],
    [
      { id: 'a', isActive: false, prices },
      { id: 'b', isActive: true, prices },
    ],
  ];
  const listed = await read({ listModels: async () => answers.shift() });
  expect(listed?.map(({ id, isActive }) => [id, isActive])).toEqual([
    ['a', true],
    ['b', true],
  ]);
});
