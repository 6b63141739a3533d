import { expect, it } from 'vitest';
import { watchCatalog } from '../../../../lambda/groq-keys/watch/watch-catalog.ts';
import { CatalogWatchRig } from '../../../support/keys/catalog-watch.ts';
import { GroqKeyTestRig, TEAM } from '../../../support/keys/groq-key-rig.ts';

const MODEL = 'openai/gpt-oss-20b';
const keys = new GroqKeyTestRig();
const run = async (rig: CatalogWatchRig) =>
  await watchCatalog({
    ...rig.ports,
    notifier: rig,
    secretFor: () => keys.secret,
    teams: async () => [TEAM],
    nowEpochMs: 0,
  });

it('notifies nobody while the catalog agrees', async () => {
  const rig = new CatalogWatchRig();
  expect(await run(rig)).toEqual([]);
  expect([rig.notified, rig.ids]).toEqual([[], []]);
});

it('reports a difference once, however often it is found', async () => {
  const rig = new CatalogWatchRig();
  rig.change(MODEL, { isActive: false });
  for (let runs = 0; runs < 3; runs++) expect(await run(rig)).toHaveLength(1);
  expect(rig.notified).toEqual([[{ model: MODEL, field: 'active', catalog: 'true', groq: 'false' }]]);
});

it('reports only what is new, also another value of the same field', async () => {
  const rig = new CatalogWatchRig();
  rig.change(MODEL, { contextWindow: 65_536 });
  await run(rig);
  rig.change(MODEL, { maxOutputTokens: 1 });
  await run(rig);
  rig.change(MODEL, { contextWindow: 32_768 });
  await run(rig);
  expect(rig.notified.map((found) => found.map(({ field, groq }) => `${field} ${groq}`))).toEqual([
    ['contextWindow 65536'],
    ['maxOutputTokens 1'],
    ['contextWindow 32768'],
  ]);
});

it('reports a difference again that had gone', async () => {
  const rig = new CatalogWatchRig();
  const listed = rig.listed;
  rig.change(MODEL, { isActive: false });
  await run(rig);
  const changed = rig.listed;
  rig.listed = listed;
  expect([await run(rig), rig.ids]).toEqual([[], []]);
  rig.listed = changed;
  await run(rig);
  expect(rig.notified).toHaveLength(2);
});

it('takes no answer for no difference, and forgets nothing', async () => {
  const rig = new CatalogWatchRig();
  rig.change(MODEL, { isActive: false });
  await run(rig);
  const { ids } = rig;
  rig.listed = undefined;
  expect(await run(rig)).toBeUndefined();
  expect([rig.ids, rig.notified.length]).toEqual([ids, 1]);
});

it('repeats a notification that failed', async () => {
  const rig = new CatalogWatchRig();
  rig.change(MODEL, { isActive: false });
  const failing = { notifyDifferences: () => Promise.reject(new Error('no topic')) };
  await expect(run(Object.assign(new CatalogWatchRig(), { listed: rig.listed, ...failing }))).rejects.toThrow(
    'no topic',
  );
  await run(rig);
  expect(rig.notified).toHaveLength(1);
});
