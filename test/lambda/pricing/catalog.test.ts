import { describe, expect, it } from 'vitest';
import { type ChatModel, explainUnpriced, parseCatalog } from '../../../lambda/pricing/catalog.ts';
import { chatCost } from '../../../lambda/pricing/pricing.ts';
import { catalog } from '../../support/catalog.ts';

const findChatModel = (id: string) => catalog.models.get(id) as ChatModel;
const entry = { id: 'lab/small', status: 'production', input: 1, output: 2, contextWindow: 1_000 };
const speech = {
  id: 'lab/voice',
  kind: 'speech',
  status: 'preview',
  perMillionCharactersUsd: 22,
  maxInputCharacters: 200,
};
const parse = (...models: object[]) => parseCatalog('catalog.json', { models });

describe('the catalog of the product', () => {
  it('charges cached input of a model without a cached price at the input price', () => {
    const qwen = findChatModel('qwen/qwen3.8-27b');
    const usage = { promptTokens: 1_000, cachedTokens: 1_000, completionTokens: 0 };
    expect(chatCost(qwen, usage)).toBe(1_000n * qwen.inputTokenPicoUsd);
    expect(chatCost(qwen, { ...usage, cachedTokens: 0 })).toBe(chatCost(qwen, usage));
  });

  it.each([
    ['qwen/qwen3.6-27b', '2026-09-14', 'qwen/qwen3.8-27b'],
    ['llama-3.1-8b-instant', '2026-08-16', 'openai/gpt-oss-20b'],
    ['gemma2-9b-it', '2025-10-08', 'openai/gpt-oss-20b'],
  ])('names %s as retired, with its day and its replacement', (id, retiredOn, replacement) => {
    expect(catalog.models.get(id)).toMatchObject({ status: 'retired', retiredOn, replacement });
  });

  it('gives every retired model a replacement that Groq serves', () => {
    for (const model of catalog.models.values()) {
      if (model.status !== 'retired') continue;
      expect(catalog.models.get(model.replacement ?? ''), model.id).not.toMatchObject({ status: 'retired' });
      expect(model.replacement, model.id).toBeDefined();
    }
  });

  it.each(['groq/compound', 'groq/compound-mini'])('explains why %s has no price', (id) => {
    expect(explainUnpriced(catalog, id)).toContain('retired 2026-09-21 without a replacement');
  });

  it('prices speech by the character', () => {
    expect(catalog.models.get('canopylabs/orpheus-v1-english')).toMatchObject({
      kind: 'speech',
      characterPicoUsd: 22_000_000n,
      maxInputCharacters: 200,
    });
  });

  it('knows which models read images, and the tokens of an image', () => {
    expect(findChatModel('qwen/qwen3.8-27b')).toMatchObject({ vision: true, imageTokens: 2_048, maxImages: 3 });
    expect(findChatModel('openai/gpt-oss-120b').vision).toBe(false);
  });

  it('bounds text by the tokenizer of each model that is served', () => {
    expect(findChatModel('openai/gpt-oss-20b').textBound).toBe('bytes');
    expect(findChatModel('qwen/qwen3.8-27b').textBound).toBe('bytesAfterNfc');
  });

  it('has no price for the performance tier', () => {
    expect([...catalog.pricedServiceTiers].sort()).toEqual(['auto', 'default', 'flex', 'on_demand']);
  });
});

describe('an entry', () => {
  it('takes the dearer rule where it names none', () => {
    expect(parse(entry).models.get('lab/small')).toMatchObject({
      textBound: 'bytesAfterNfc',
      templateTokens: { request: 128, message: 8 },
      vision: false,
      maxOutputTokens: 1_000,
      cachedInputTokenPicoUsd: 1_000_000n,
    });
  });

  it.each<[string, object, string]>([
    ['another rule for text', { textBound: 'characters' }, 'must be one of bytes, bytesAfterNfc'],
    [
      'tokens of a template as text',
      { templateTokens: { request: '9', message: 1 } },
      '"templateTokens.request" must be',
    ],
    ['a fraction of an image', { imageTokens: 0.5 }, '"imageTokens" must be a whole number of tokens'],
    ['no images at all', { maxImages: 0 }, '"maxImages" must be at least 1'],
    ['vision as text', { vision: 'yes' }, '"vision" must be true or false'],
    ['a discount above its price', { batchDiscount: 1.5 }, '"batchDiscount" must be at most 1'],
    ['a limit of an unknown kind', { rateLimits: { free: { rps: 1 } } }, 'unknown field "rps"'],
    ['an unknown kind', { kind: 'embedding' }, 'must be one of chat, transcription, speech'],
    ['a kind that every object has', { kind: 'constructor' }, 'must be one of chat, transcription, speech'],
  ])('with %s is refused by name', (_title, change, message) => {
    expect(() => parse({ ...entry, ...change })).toThrow(message);
    expect(() => parse({ ...entry, ...change })).toThrow('catalog.json: model "lab/small"');
  });

  it.each<[string, object, string]>([
    ['a price in fractions of a pico-dollar', { perMillionCharactersUsd: 0.0000001 }, 'more than six decimals'],
    ['no limit of its input', { maxInputCharacters: undefined }, 'maxInputCharacters'],
    ['a price of a token', { input: 1 }, 'unknown field "input"'],
  ])('of a speech model with %s is refused', (_title, change, message) => {
    expect(() => parse({ ...speech, ...change })).toThrow(message);
  });

  it.each([[1.5], [0], ['free'], [true]])('refuses a service tier at the factor %j', (factor) => {
    expect(() => parseCatalog('catalog.json', { models: [entry], serviceTiers: { flex: factor } })).toThrow(
      'serviceTiers',
    );
  });
});
