import * as v from 'valibot';
import { ConfigError, configError } from '../kernel/config-error.ts';
import { pickKnownFields } from '../kernel/known-fields.ts';
import { type PicoUsd, picoUsd, picoUsdFromNumber } from '../kernel/money.ts';
import { didYouMean } from '../kernel/nearest-word.ts';

/** Whether Groq serves a model: for good, on trial, or no longer. */
export type ModelStatus = 'production' | 'preview' | 'retired';

type ModelFacts = {
  readonly id: string;
  readonly status: ModelStatus;
  /** The day Groq stopped serving it, as YYYY-MM-DD. */
  readonly retiredOn?: string;
  readonly replacement?: string;
  /** See checkPriceJumps. */
  readonly priceConfirmedOn?: string;
};

/** A model that answers chat completions, priced by the token. */
export type ChatModel = ModelFacts & {
  readonly kind: 'chat';
  readonly inputTokenPicoUsd: PicoUsd;
  readonly outputTokenPicoUsd: PicoUsd;
  readonly cachedInputTokenPicoUsd: PicoUsd;
  /** Tokens. */
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
};

/** A model that transcribes speech, priced by the second of audio. */
export type TranscriptionModel = ModelFacts & {
  readonly kind: 'transcription';
  readonly audioHourPicoUsd: PicoUsd;
  readonly minimumBilledSeconds: number;
};

/** A model with a price. */
export type Model = ChatModel | TranscriptionModel;

/** Whether a model answers chat completions today. */
export function isServedChatModel(model: Model): boolean {
  return model.kind === 'chat' && model.status !== 'retired';
}

/** Every model with a price, by id, and those that can have none. */
export type Catalog = {
  readonly models: ReadonlyMap<string, Model>;
  readonly notPriceable: ReadonlySet<string>;
};

const price = v.pipe(
  v.number('must be dollars as a number'),
  v.minValue(0, 'must not be negative'),
  v.check(
    (usd) => picoUsdFromNumber(usd) % 1_000_000n === 0n,
    'has more than six decimals: a token would cost a fraction of a pico-dollar',
  ),
);
const tokens = v.pipe(
  v.number('must be a whole number of tokens'),
  v.integer('must be a whole number of tokens'),
  v.minValue(1, 'must be at least 1'),
);
const facts = {
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w./-]{0,126}$/, 'must be a model id')),
  status: v.picklist(['production', 'preview', 'retired'], 'must be one of production, preview, retired'),
  retiredOn: v.optional(v.pipe(v.string(), v.isoDate('must be a date as YYYY-MM-DD'))),
  replacement: v.optional(v.string()),
  stillServedTo: v.optional(v.string()),
  verify: v.optional(v.boolean()),
  source: v.optional(v.string()),
  readOn: v.optional(v.pipe(v.string(), v.isoDate('must be a date as YYYY-MM-DD'))),
  /** The day someone looked at a price that moved more than threefold, and found it right. */
  priceConfirmedOn: v.optional(v.pipe(v.string(), v.isoDate('must be a date as YYYY-MM-DD'))),
};
const chatModel = v.strictObject(
  {
    ...facts,
    kind: v.optional(v.literal('chat'), 'chat'),
    input: price,
    output: price,
    cachedInput: v.optional(price),
    contextWindow: tokens,
    maxOutputTokens: v.optional(tokens),
  },
  'must be an object',
);
const transcriptionModel = v.strictObject(
  {
    ...facts,
    kind: v.literal('transcription'),
    perAudioHourUsd: v.pipe(v.number('must be dollars as a number'), v.minValue(0, 'must not be negative')),
    minimumBilledSeconds: v.pipe(v.number(), v.minValue(0, 'must not be negative')),
  },
  'must be an object',
);
const catalogFile = v.strictObject(
  {
    _note: v.optional(v.string()),
    models: v.array(
      v.looseObject({ id: v.string('must be a model id') }, 'must be an object'),
      'must be a list of models',
    ),
    notPriceable: v.optional(v.array(v.string()), []),
    notPriceableWhy: v.optional(v.string()),
  },
  'must be an object',
);

/**
 * Reads a catalog file; prices in it are USD per million tokens, or per hour of audio.
 *
 * @throws ConfigError naming the file, the model and the field.
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

/** Reads a catalog that was published, perhaps by another version: without the fields that this one does not know. */
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
