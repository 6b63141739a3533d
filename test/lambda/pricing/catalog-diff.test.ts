import { describe, expect, it } from 'vitest';
import { parseCatalog } from '../../../lambda/pricing/catalog.ts';
import { compareCatalog } from '../../../lambda/pricing/catalog-diff.ts';
import { parseModelListing } from '../../../lambda/pricing/model-listing.ts';
import { buildModelList } from '../../../local/fake-groq/model-list.ts';
import { catalog, catalogContent } from '../../support/catalog.ts';

const chat = {
  id: 'lab/chat',
  status: 'production',
  input: 0.15,
  output: 0.6,
  cachedInput: 0.075,
  contextWindow: 131_072,
};
const small = parseCatalog('catalog.json', {
  models: [
    { ...chat, maxOutputTokens: 8_192 },
    { ...chat, id: 'lab/old', status: 'retired', replacement: 'lab/chat' },
    { ...chat, id: 'lab/contract', status: 'retired', replacement: 'lab/chat', stillServedTo: 'enterprise' },
    { ...chat, id: 'lab/hidden', maxOutputTokens: 8_192, unlisted: true },
  ],
  notPriceable: ['lab/unpriced'],
});
const listed = { id: 'lab/chat', active: true, context_window: 131_072, max_completion_tokens: 8_192 };
const compare = (...data: unknown[]) => compareCatalog(small, parseModelListing({ object: 'list', data }) ?? []);
const shown = (...data: unknown[]) =>
  compare(...data).map(({ model, field, catalog: ours, groq }) => `${model} ${field}: ${ours} -> ${groq}`);

describe('the comparison with the list of models', () => {
  it('finds no difference in what the fake Groq lists', () => {
    expect(compareCatalog(catalog, parseModelListing(buildModelList(catalogContent())) ?? [])).toEqual([]);
  });

  it.each<[string, unknown[], string[]]>([
    ['agreement', [listed], []],
    ['a model that is gone', [{ id: 'lab/unpriced' }], ['lab/chat listed: yes -> no']],
    ['a new model', [listed, { id: 'lab/next' }], ['lab/next listed: no -> yes']],
    ['a new model that is not active', [listed, { id: 'lab/next', active: false }], []],
    ['a changed window', [{ ...listed, context_window: 262_144 }], ['lab/chat contextWindow: 131072 -> 262144']],
    ['a smaller window', [{ ...listed, context_window: 8_192 }], ['lab/chat contextWindow: 131072 -> 8192']],
    ['a changed output limit', [{ ...listed, max_completion_tokens: 16 }], ['lab/chat maxOutputTokens: 8192 -> 16']],
    ['a model that is no longer active', [{ ...listed, active: false }], ['lab/chat active: true -> false']],
    ['images', [{ ...listed, input_modalities: ['text', 'image'] }], ['lab/chat vision: false -> true']],
    ['a retired model that is back', [listed, { id: 'lab/old' }], ['lab/old active: false -> true']],
    ['a retired model that some still see', [listed, { id: 'lab/contract' }], []],
    ['an unlisted model that is listed', [listed, { ...listed, id: 'lab/hidden' }], []],
  ])('reports %s', (_title, data, expected) => {
    expect(shown(...data)).toEqual(expected);
  });

  it.each<[object, string[]]>([
    [{ pricing: { prompt: '0.00000015', completion: '0.0000006' } }, []],
    [{ input_price: 0.15, output_price: 0.6, cached_input_price_usd: 0.075 }, []],
    [{ input_price: 0.2 }, ['lab/chat input_price: another price or unit -> 0.2']],
    [{ pricing: { completion: 0.0000012 } }, ['lab/chat pricing.completion: another price or unit -> 0.0000012']],
    [{ cost: { input: 0 } }, ['lab/chat cost.input: another price or unit -> 0']],
    [{ pricing: { prompt: 'free', tier: null }, price_list: 'https://x' }, []],
  ])('compares prices, per token or per million, if there are any: %j', (prices, expected) => {
    expect(shown({ ...listed, ...prices })).toEqual(expected);
  });

  it.each([
    { context_window: null },
    { context_window: '131072' },
    { context_window: -1 },
    { max_completion_tokens: 0.5 },
    { input_modalities: 'text' },
    { active: null },
    { mood: 'calm', nested: { deep: [1] } },
  ])('ignores what it cannot read: %j', (odd) => {
    expect(compare({ ...listed, ...odd })).toEqual([]);
  });
});

it.each([
  [undefined],
  [null],
  [[]],
  [{}],
  [{ data: [] }],
  [{ data: {} }],
  [{ data: [null, { id: 7 }] }],
  [{ error: {} }],
])('takes %j for no list at all', (body) => {
  expect(parseModelListing(body)).toBeUndefined();
});
