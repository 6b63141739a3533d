import { type PicoUsd, picoUsd, toUsdString } from '../kernel/money.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { type Catalog, isServedChatModel, type Model } from '../pricing/catalog.ts';
import type { Identity } from './identity.ts';

const PER_MILLION = 1_000_000n;

/** Returns the models that a key may call: its team's, restricted by the key's scope. */
export function allowedModelsFor(
  { allowedModels }: Pick<TeamPolicy, 'allowedModels'>,
  { scope }: Pick<Identity, 'scope'>,
): readonly string[] {
  const models = scope?.models;
  return models === undefined ? allowedModels : allowedModels.filter((id) => models.includes(id));
}

/** Renders the data of `GET /openai/v1/models`. Models that are missing from the catalog are left out. */
export function listModels(ids: readonly string[], catalog: Catalog): readonly object[] {
  return ids.flatMap((id) => {
    const model = catalog.models.get(id);
    return model === undefined ? [] : [describeModel(model)];
  });
}

/** Returns the first of a team's models that serves chat completions, or undefined. */
export function findServedModel(
  { allowedModels }: Pick<TeamPolicy, 'allowedModels'>,
  catalog: Catalog,
): string | undefined {
  return allowedModels.find((id) => {
    const model = catalog.models.get(id);
    return model !== undefined && isServedChatModel(model);
  });
}

/** Renders a `model` object of the API; prices are exact decimal text in USD. */
export function describeModel(model: Model): object {
  return {
    id: model.id,
    object: 'model',
    // Clients expect a date, but Groq's catalog pages give none.
    created: 0,
    owned_by: model.id.includes('/') ? model.id.split('/')[0] : 'groq',
    active: model.status !== 'retired',
    status: model.status,
    ...(model.retiredOn === undefined ? {} : { retired_on: model.retiredOn }),
    ...(model.stillServedTo === undefined ? {} : { still_served_to: model.stillServedTo }),
    ...(model.replacement === undefined ? {} : { replacement: model.replacement }),
    ...describeAbilities(model),
    pricing: describePrices(model),
  };
}

/** The names of modalities are those of Groq's own GET /models (an answer of autumn 2026, read 2026-11-30). */
function describeAbilities(model: Model): object {
  if (model.kind === 'transcription') return { input_modalities: ['audio'], output_modalities: ['transcription'] };
  if (model.kind === 'speech') {
    return {
      input_modalities: ['text'],
      output_modalities: ['speech'],
      max_input_characters: model.maxInputCharacters,
    };
  }
  return {
    context_window: model.contextWindow,
    max_completion_tokens: model.maxOutputTokens,
    vision: model.vision,
    input_modalities: model.vision ? ['text', 'image'] : ['text'],
    output_modalities: ['text'],
    ...(model.imageTokens === undefined ? {} : { tokens_per_image: model.imageTokens }),
    ...(model.maxImages === undefined ? {} : { max_images: model.maxImages }),
  };
}

function describePrices(model: Model): object {
  const perMillion = (price: PicoUsd) => toUsdString(picoUsd(price * PER_MILLION));
  switch (model.kind) {
    case 'chat':
      return {
        input_usd_per_million_tokens: perMillion(model.inputTokenPicoUsd),
        cached_input_usd_per_million_tokens: perMillion(model.cachedInputTokenPicoUsd),
        output_usd_per_million_tokens: perMillion(model.outputTokenPicoUsd),
      };
    case 'transcription':
      return {
        usd_per_audio_hour: toUsdString(model.audioHourPicoUsd),
        minimum_billed_seconds: model.minimumBilledSeconds,
      };
    case 'speech':
      return { usd_per_million_characters: perMillion(model.characterPicoUsd) };
  }
}
