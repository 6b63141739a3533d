import { picoUsd, toUsdString } from '../kernel/money.ts';
import type { Catalog, ChatModel, Model } from './catalog.ts';
import type { ListedModel } from './model-listing.ts';

/** One difference between the catalog and Groq's own list of models. */
export type CatalogDifference = {
  readonly model: string;
  readonly field: string;
  /** The catalog's value, and Groq's; empty where one has none. */
  readonly catalog: string;
  readonly groq: string;
};

const LISTED = 'listed';

/** Compares the catalog with what Groq lists, in the order of model ids. */
export function compareCatalog(catalog: Catalog, listed: readonly ListedModel[]): readonly CatalogDifference[] {
  const byId = new Map(listed.map((model) => [model.id, model]));
  const known = [...catalog.models.values()].flatMap((model) => compareModel(model, byId.get(model.id)));
  const added = [...byId.values()]
    .filter(({ id, isActive }) => isActive && !catalog.models.has(id) && !catalog.notPriceable.has(id))
    .map(({ id }) => ({ model: id.slice(0, 128), field: LISTED, catalog: 'no', groq: 'yes' }));
  return [...known, ...added].sort((a, b) => (a.model < b.model ? -1 : a.model > b.model ? 1 : 0));
}

/** Identifies a difference, so that each is reported once. */
export function differenceId({ model, field, groq }: CatalogDifference): string {
  return `${model} ${field} ${groq}`;
}

function compareModel(model: Model, listed: ListedModel | undefined): readonly CatalogDifference[] {
  const differ = (field: string, inCatalog: unknown, atGroq: unknown): CatalogDifference => ({
    model: model.id,
    field,
    catalog: String(inCatalog),
    groq: String(atGroq),
  });
  if (listed === undefined) {
    return model.status === 'retired' || model.isUnlisted ? [] : [differ(LISTED, 'yes', 'no')];
  }
  if (model.status === 'retired') {
    // Committed contracts still see some retired models (console.groq.com/docs/deprecations, read 2026-11-30).
    return listed.isActive && model.stillServedTo === undefined ? [differ('active', false, true)] : [];
  }
  return [
    ...(listed.isActive ? [] : [differ('active', true, false)]),
    ...(model.kind === 'chat' ? compareLimits(model, listed, differ) : []),
    ...[...listed.prices]
      .filter(([path, price]) => !hasPrice(model, path, price))
      .map(([path, price]) => differ(path, 'another price or unit', price)),
  ];
}

function compareLimits(
  model: ChatModel,
  listed: ListedModel,
  differ: (field: string, inCatalog: unknown, atGroq: unknown) => CatalogDifference,
): readonly CatalogDifference[] {
  const fields = ['contextWindow', 'maxOutputTokens', 'vision'] as const;
  return fields
    .filter((field) => listed[field] !== undefined && listed[field] !== model[field])
    .map((field) => differ(field, model[field], listed[field]));
}

/** Returns whether a price of the catalog is this one, per unit or per million units. */
function hasPrice(model: Model, path: string, price: number): boolean {
  const candidates = pricesNamed(model, path).flatMap((perUnit) => [
    Number(toUsdString(picoUsd(perUnit))),
    Number(toUsdString(picoUsd(perUnit * 1_000_000n))),
  ]);
  return candidates.some((known) => Math.abs(known - price) <= known * 1e-9);
}

/** The prices that a field's name can stand for. */
function pricesNamed(model: Model, path: string): readonly bigint[] {
  if (model.kind === 'transcription') return [model.audioHourPicoUsd];
  if (model.kind === 'speech') return [model.characterPicoUsd];
  const { inputTokenPicoUsd, cachedInputTokenPicoUsd, outputTokenPicoUsd } = model;
  if (/cache/i.test(path)) return [cachedInputTokenPicoUsd];
  if (/output|completion/i.test(path)) return [outputTokenPicoUsd];
  if (/input|prompt/i.test(path)) return [inputTokenPicoUsd];
  return [inputTokenPicoUsd, outputTokenPicoUsd, cachedInputTokenPicoUsd];
}
