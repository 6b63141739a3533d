import { isObject, type JsonObject } from '../../lambda/kernel/json/json-object.ts';

/** The creation time of the fake's models, in epoch seconds. */
const CREATED_S = 1_754_000_000;

/**
 * The answer of `GET /models` for a catalog file: what Groq would list if the catalog were right. The fields are those of
 * an answer of autumn 2026, read 2026-11-30; Groq lists no price and no retired model.
 */
export function buildModelList(catalogFile: unknown): JsonObject {
  const models = isObject(catalogFile) && Array.isArray(catalogFile.models) ? catalogFile.models.filter(isObject) : [];
  const served = models.filter(({ status, unlisted }) => status !== 'retired' && unlisted !== true);
  return { object: 'list', data: served.map(buildModel) };
}

function buildModel({ id, kind, contextWindow, maxOutputTokens, vision }: JsonObject): JsonObject {
  const isChat = kind === undefined || kind === 'chat';
  return {
    id,
    object: 'model',
    created: CREATED_S,
    owned_by: String(id).includes('/') ? String(id).split('/', 1)[0] : 'OpenAI',
    active: true,
    ...(isChat
      ? {
          context_window: contextWindow,
          max_completion_tokens: maxOutputTokens ?? contextWindow,
          input_modalities: vision === true ? ['text', 'image'] : ['text'],
          output_modalities: ['text'],
        }
      : { output_modalities: [kind] }),
  };
}
