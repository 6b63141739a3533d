import * as v from 'valibot';
import { ConfigError, configError } from '../kernel/config-error.ts';
import { pickKnownFields } from '../kernel/known-fields.ts';
import { type PicoUsd, picoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { catalogFile, chatModel, transcriptionModel } from './catalog-schema.ts';

/** Groq's status of a model. */
export type ModelStatus = 'production' | 'preview' | 'retired';

type ModelFacts = {
  readonly id: string;
  readonly status: ModelStatus;
  /** The day on which Groq stopped serving it, as YYYY-MM-DD. */
  readonly retiredOn?: string;
  readonly replacement?: string;
  /** See checkPriceJumps. */
  readonly priceConfirmedOn?: string;
};

/** A model for chat completions, priced per token. */
export type ChatModel = ModelFacts & {
  readonly kind: 'chat';
  readonly inputTokenPicoUsd: PicoUsd;
  readonly outputTokenPicoUsd: PicoUsd;
  readonly cachedInputTokenPicoUsd: PicoUsd;
  /** Tokens. */
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
};

/** A model that transcribes speech, priced per second of audio. */
export type TranscriptionModel = ModelFacts & {
  readonly kind: 'transcription';
  readonly audioHourPicoUsd: PicoUsd;
  readonly minimumBilledSeconds: number;
};

/** A model with a price. */
export type Model = ChatModel | TranscriptionModel;

/** True if Groq serves chat completions by this model. */
export function isServedChatModel(model: Model): boolean {
  return model.kind === 'chat' && model.status !== 'retired';
}

/** All models with a price, by id, and the ids of models that have no bounded price. */
export type Catalog = {
  readonly models: ReadonlyMap<string, Model>;
  readonly notPriceable: ReadonlySet<string>;
};

/**
 * Parses a catalog file. Its prices are in USD per million tokens, or per hour of audio.
 *
 * @throws ConfigError that names the file, the model and the field.
 */
export function parseCatalog(file: string, content: unknown): Catalog {
  const parsed = v.safeParse(catalogFile, content);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) => (path.length === 0 ? '' : `"${path.join('.')}": `);
    throw configError(file, parsed.issues, place, () => Object.keys(catalogFile.entries));
  }
  const models = new Map<string, Model>();
  for (const entry of parsed.output.models) {
    if (models.has(entry.id)) throw new ConfigError(`${file}: model "${entry.id}" is listed twice`);
    models.set(entry.id, parseModel(file, entry));
  }
  for (const model of models.values()) {
    const { replacement } = model;
    if (replacement === undefined || models.get(replacement)?.kind === model.kind) continue;
    const hint = didYouMean(replacement, models.keys());
    throw new ConfigError(
      `${file}: model "${model.id}": replacement "${replacement}" is not a ${model.kind} model of this catalog${hint}`,
    );
  }
  return { models, notPriceable: new Set(parsed.output.notPriceable) };
}

/** Parses a published catalog. Another version may have published it, so unknown fields are ignored. */
export function parsePublishedCatalog(content: unknown): Catalog {
  const { models, ...rest } = content as { readonly models: readonly { readonly kind?: unknown }[] };
  const known = models.map((model) =>
    pickKnownFields(model.kind === 'transcription' ? transcriptionModel : chatModel, model),
  );
  return parseCatalog('registry', { ...(pickKnownFields(catalogFile, rest) as object), models: known });
}

function parseModel(file: string, entry: { readonly id: string; readonly [field: string]: unknown }): Model {
  const schema = entry.kind === 'transcription' ? transcriptionModel : chatModel;
  const parsed = v.safeParse(schema, entry);
  if (!parsed.success) {
    const place = (path: readonly PropertyKey[]) =>
      `model "${entry.id}": ${path.length === 0 ? '' : `"${path.join('.')}" `}`;
    throw configError(file, parsed.issues, place, () => Object.keys(schema.entries));
  }
  const model = parsed.output;
  const common = {
    id: model.id,
    status: model.status,
    ...(model.retiredOn === undefined ? {} : { retiredOn: model.retiredOn }),
    ...(model.replacement === undefined ? {} : { replacement: model.replacement }),
    ...(model.priceConfirmedOn === undefined ? {} : { priceConfirmedOn: model.priceConfirmedOn }),
  };
  if (model.kind === 'transcription') {
    return {
      ...common,
      kind: 'transcription',
      audioHourPicoUsd: picoUsdFromNumber(model.perAudioHourUsd),
      minimumBilledSeconds: model.minimumBilledSeconds,
    };
  }
  return {
    ...common,
    kind: 'chat',
    inputTokenPicoUsd: picoUsdPerToken(model.input),
    outputTokenPicoUsd: picoUsdPerToken(model.output),
    cachedInputTokenPicoUsd: picoUsdPerToken(model.cachedInput ?? model.input),
    contextWindow: model.contextWindow,
    maxOutputTokens: model.maxOutputTokens ?? model.contextWindow,
  };
}

function picoUsdPerToken(usdPerMillion: number): PicoUsd {
  return picoUsd(picoUsdFromNumber(usdPerMillion) / 1_000_000n);
}
