import * as v from 'valibot';
import { configError } from '../kernel/config-error.ts';
import { type PicoUsd, picoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { MODEL_SCHEMAS } from './catalog-schema.ts';
import type { Model } from './model.ts';

type ModelKind = keyof typeof MODEL_SCHEMAS;

/** A model's entry in a catalog file. */
export type CatalogEntry = { readonly id: string; readonly [field: string]: unknown };

/** Returns the schema of an entry by its kind, which is `chat` by default; undefined for an unknown kind. */
export function findModelSchema(kind: unknown): (typeof MODEL_SCHEMAS)[ModelKind] | undefined {
  if (kind === undefined) return MODEL_SCHEMAS.chat;
  return typeof kind === 'string' && Object.hasOwn(MODEL_SCHEMAS, kind) ? MODEL_SCHEMAS[kind as ModelKind] : undefined;
}

/**
 * Parses a model's entry.
 *
 * @throws ConfigError that names the file, the model and the field.
 */
export function parseModel(file: string, entry: CatalogEntry): Model {
  const schema = findModelSchema(entry.kind) ?? MODEL_SCHEMAS.chat;
  const parsed = v.safeParse(schema, entry);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) =>
      `model "${entry.id}": ${path.length === 0 ? '' : `"${path.join('.')}" `}`;
    throw configError(file, parsed.issues, place, () => Object.keys(schema.entries));
  }
  const model = parsed.output;
  const common = {
    ...pickDefined(model, ['id', 'status', 'retiredOn', 'replacement', 'stillServedTo', 'priceConfirmedOn']),
    isUnlisted: model.unlisted,
  };
  if (model.kind === 'transcription') {
    const { kind, minimumBilledSeconds, translations, perAudioHourUsd } = model;
    return {
      ...common,
      kind,
      minimumBilledSeconds,
      translations,
      audioHourPicoUsd: picoUsdFromNumber(perAudioHourUsd),
    };
  }
  if (model.kind === 'speech') {
    const { kind, maxInputCharacters, perMillionCharactersUsd } = model;
    return { ...common, kind, maxInputCharacters, characterPicoUsd: picoUsdPerUnit(perMillionCharactersUsd) };
  }
  return {
    ...common,
    ...pickDefined(model, ['imageTokens', 'maxImages']),
    kind: 'chat',
    inputTokenPicoUsd: picoUsdPerUnit(model.input),
    outputTokenPicoUsd: picoUsdPerUnit(model.output),
    cachedInputTokenPicoUsd: picoUsdPerUnit(model.cachedInput ?? model.input),
    contextWindow: model.contextWindow,
    maxOutputTokens: model.maxOutputTokens ?? model.contextWindow,
    textBound: model.textBound,
    templateTokens: model.templateTokens,
    vision: model.vision,
  };
}

type Defined<T, K extends keyof T> = {
  [P in K as undefined extends T[P] ? never : P]: T[P];
} & { [P in K as undefined extends T[P] ? P : never]?: Exclude<T[P], undefined> };

/** Picks fields, without those that are undefined. */
function pickDefined<T extends object, K extends keyof T>(from: T, fields: readonly K[]): Defined<T, K> {
  const entries = fields.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]);
  return Object.fromEntries(entries) as Defined<T, K>;
}

function picoUsdPerUnit(usdPerMillion: number): PicoUsd {
  return picoUsd(picoUsdFromNumber(usdPerMillion) / 1_000_000n);
}
