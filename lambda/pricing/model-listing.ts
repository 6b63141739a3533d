import { isObject, type JsonObject } from '../kernel/json/json-object.ts';

/** A model as Groq's `GET /models` lists it. */
export type ListedModel = {
  readonly id: string;
  readonly isActive: boolean;
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  /** True if it reads images; undefined if the list does not say. */
  readonly vision?: boolean;
  /** Fields that look like prices, by their path. Groq's list had none on 2026-11-30. */
  readonly prices: ReadonlyMap<string, number>;
};

/** The most entries that are read of one list. */
const MAX_MODELS = 1_000;
const PRICE_NAME = /pric|cost|usd/i;

/**
 * Parses an answer of `GET /models`. Its fields are those of an answer of autumn 2026 and of groq-sdk 1.6.0, read
 * 2026-11-30. Unknown fields and odd values are ignored. Returns undefined for an answer that lists no model: it says
 * nothing about the models that exist.
 */
export function parseModelListing(body: unknown): readonly ListedModel[] | undefined {
  if (!isObject(body) || !Array.isArray(body.data)) return undefined;
  const entries = body.data.slice(0, MAX_MODELS).filter(isObject);
  const models = entries.flatMap((entry) => (typeof entry.id === 'string' && entry.id !== '' ? [entry] : []));
  return models.length === 0 ? undefined : models.map((entry) => parseListedModel(String(entry.id), entry));
}

function parseListedModel(id: string, entry: JsonObject): ListedModel {
  const contextWindow = toCount(entry.context_window);
  const maxOutputTokens = toCount(entry.max_completion_tokens);
  const modalities = entry.input_modalities;
  return {
    id,
    isActive: entry.active !== false,
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(Array.isArray(modalities) ? { vision: modalities.includes('image') } : {}),
    prices: new Map(findPrices(entry)),
  };
}

/** Finds numbers whose name, or whose object's name, looks like a price. */
function findPrices(entry: JsonObject): readonly (readonly [string, number])[] {
  return Object.entries(entry).flatMap(([name, value]) => {
    const nested = isObject(value) ? Object.entries(value) : [];
    const candidates = [
      [name, value] as const,
      ...nested.map(([inner, price]) => [`${name}.${inner}`, price] as const),
    ];
    return candidates.flatMap(([path, price]) => {
      const number = typeof price === 'string' && price.trim() !== '' ? Number(price) : price;
      const isPrice = PRICE_NAME.test(path) && typeof number === 'number' && Number.isFinite(number) && number >= 0;
      return isPrice ? [[path, number] as const] : [];
    });
  });
}

function toCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
