import { expect, it } from 'vitest';
import { describeModel, listModels } from '../../../lambda/access/model-list.ts';
import type { Model } from '../../../lambda/pricing/catalog.ts';
import { catalog } from '../../support/catalog.ts';

const describeId = (id: string) => describeModel(catalog.models.get(id) as Model);

it('shows what a vision model reads and holds', () => {
  expect(describeId('qwen/qwen3.8-27b')).toMatchObject({
    active: true,
    status: 'preview',
    context_window: 131_072,
    max_completion_tokens: 16_384,
    vision: true,
    input_modalities: ['text', 'image'],
    tokens_per_image: 2_048,
    max_images: 3,
    pricing: { cached_input_usd_per_million_tokens: '0.8' },
  });
});

it('shows a text model without figures about images', () => {
  const shown = describeId('openai/gpt-oss-20b');
  expect(shown).toMatchObject({ vision: false, input_modalities: ['text'], output_modalities: ['text'] });
  expect(shown).not.toHaveProperty('max_images');
});

it('shows a retired model with its day, its replacement and who may still use it', () => {
  expect(describeId('qwen/qwen3.6-27b')).toMatchObject({
    active: false,
    status: 'retired',
    retired_on: '2026-09-14',
    replacement: 'qwen/qwen3.8-27b',
    still_served_to: 'enterprise commitments',
  });
});

it.each([
  ['whisper-large-v3', 'transcription', { usd_per_audio_hour: '0.111', minimum_billed_seconds: 10 }],
  ['canopylabs/orpheus-arabic-saudi', 'speech', { usd_per_million_characters: '40' }],
])('prices %s by its own unit', (id, output, pricing) => {
  expect(describeId(id)).toMatchObject({ output_modalities: [output], pricing });
});

it('lists every model of the catalog', () => {
  expect(listModels([...catalog.models.keys(), 'gone'], catalog)).toHaveLength(catalog.models.size);
});
