import { picoUsd, toUsdString } from '../kernel/money.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { type Catalog, isServedChatModel, type Model } from '../pricing/catalog.ts';
import type { Identity } from './identity.ts';

const PER_MILLION = 1_000_000n;

/** The models that a key may name: its team's, or those of them that it is narrowed to. */
export function allowedModelsFor(
  { allowedModels }: Pick<TeamPolicy, 'allowedModels'>,
  { scope }: Pick<Identity, 'scope'>,
): readonly string[] {
  const models = scope?.models;
  return models === undefined ? allowedModels : allowedModels.filter((id) => models.includes(id));
}

/** Models in the shape of `GET /openai/v1/models`, with price, context and status; one that the catalog has not is left out. */
export function listModels(ids: readonly string[], catalog: Catalog): readonly object[] {
  return ids.flatMap((id) => {
    const model = catalog.models.get(id);
    return model === undefined ? [] : [describeModel(model)];
  });
}

/** A model that a team can chat with today, if it has one. */
export function findServedModel(
  { allowedModels }: Pick<TeamPolicy, 'allowedModels'>,
  catalog: Catalog,
): string | undefined {
  return allowedModels.find((id) => {
    const model = catalog.models.get(id);
    return model !== undefined && isServedChatModel(model);
  });
}

/** One model in the shape of `GET /openai/v1/models/{id}`; prices are USD as exact decimal text. */
export function describeModel(model: Model): object {
  const pricing =
    model.kind === 'chat'
      ? {
          input_usd_per_million_tokens: toUsdString(picoUsd(model.inputTokenPicoUsd * PER_MILLION)),
          cached_input_usd_per_million_tokens: toUsdString(picoUsd(model.cachedInputTokenPicoUsd * PER_MILLION)),
          output_usd_per_million_tokens: toUsdString(picoUsd(model.outputTokenPicoUsd * PER_MILLION)),
        }
      : { usd_per_audio_hour: toUsdString(model.audioHourPicoUsd), minimum_billed_seconds: model.minimumBilledSeconds };
  return {
    id: model.id,
    object: 'model',
    // Clients expect a date; Groq's catalog pages give none, and 0 says so.
    created: 0,
    owned_by: model.id.includes('/') ? model.id.split('/')[0] : 'groq',
    active: model.status !== 'retired',
    status: model.status,
    ...(model.retiredOn === undefined ? {} : { retired_on: model.retiredOn }),
    ...(model.replacement === undefined ? {} : { replacement: model.replacement }),
    ...(model.kind === 'chat'
      ? { context_window: model.contextWindow, max_completion_tokens: model.maxOutputTokens }
      : {}),
    pricing,
  };
}
