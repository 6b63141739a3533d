import { isObject, type JsonObject } from '../kernel/json/json-object.ts';
import { pickKnownFields } from '../kernel/json/known-fields.ts';
import { type Catalog, parseCatalog } from './catalog.ts';
import { findModelSchema } from './catalog-entry.ts';
import { catalogFile } from './catalog-schema.ts';

/** Fields of a catalog file, and of its models, that people read and no function does. */
const NOTES: ReadonlySet<string> = new Set([
  ...[
    '_note',
    'toolPrices',
    'note',
    'alsoIn',
    'source',
    'readOn',
    'verify',
    'rateLimits',
    'voices',
    'batch',
    'batchDiscount',
  ],
  ...[
    'promptCaching',
    'tools',
    'parallelTools',
    'reasoningEfforts',
    'jsonSchema',
    'maxImageRequestBytes',
    'maxUploadBytes',
  ],
  ...['responseFormats', 'termsAcceptance'],
]);

/** Drops what no function reads: a deployment carries policies and prices in an event of limited size. */
export function omitNotes(content: JsonObject): JsonObject {
  const withoutNotes = (fields: JsonObject) =>
    Object.fromEntries(Object.entries(fields).filter(([field]) => !NOTES.has(field)));
  const models = Array.isArray(content.models) ? content.models : [];
  return {
    ...withoutNotes(content),
    models: models.map((model: unknown) => (isObject(model) ? withoutNotes(model) : model)),
  };
}

/**
 * Renders a catalog file for the registry. Models of newer kinds stand in a field of their own: a function of an earlier
 * version, which still runs while a deployment goes on, takes every model in `models` for one of the kinds that it knows.
 */
export function toPublishedCatalog(content: unknown): unknown {
  if (!isObject(content) || !Array.isArray(content.models)) return content;
  const isFirstKind = ({ kind }: JsonObject) => kind === undefined || kind === 'chat' || kind === 'transcription';
  const models = content.models.filter(isObject);
  return {
    ...content,
    models: models.filter(isFirstKind),
    modelsOfNewerKinds: models.filter((model) => !isFirstKind(model)),
  };
}

/** Parses a published catalog. Another version may have published it, so unknown fields and kinds are ignored. */
export function parsePublishedCatalog(content: unknown): Catalog {
  const { models, modelsOfNewerKinds = [], toolPrices: _shownOnly, ...rest } = content as PublishedCatalog;
  const known = [...models, ...modelsOfNewerKinds].flatMap((model) => {
    const schema = findModelSchema(model.kind);
    return schema === undefined ? [] : [pickKnownFields(schema, model)];
  });
  return parseCatalog('registry', { ...(pickKnownFields(catalogFile, rest) as object), models: known });
}

type PublishedModel = { readonly kind?: unknown };
type PublishedCatalog = {
  readonly models: readonly PublishedModel[];
  readonly modelsOfNewerKinds?: readonly PublishedModel[];
  readonly toolPrices?: unknown;
};
