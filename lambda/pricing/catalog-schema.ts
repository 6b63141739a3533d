import * as v from 'valibot';
import { picoUsdFromNumber } from '../kernel/money.ts';
import { TEXT_BOUNDS } from './token-bound.ts';

const dollars = v.pipe(v.number('must be dollars as a number'), v.minValue(0, 'must not be negative'));
const pricePerMillion = v.pipe(
  dollars,
  v.check(
    (usd) => picoUsdFromNumber(usd) % 1_000_000n === 0n,
    'has more than six decimals: one unit would cost a fraction of a pico-dollar',
  ),
);
const wholeNumber = (what: string, min: number) =>
  v.pipe(v.number(`must be ${what}`), v.integer(`must be ${what}`), v.minValue(min, `must be at least ${min}`));
const tokens = wholeNumber('a whole number of tokens', 1);
const count = wholeNumber('a whole number', 1);
const date = v.pipe(v.string('must be a date as YYYY-MM-DD'), v.isoDate('must be a date as YYYY-MM-DD'));
const text = v.string('must be text');
const words = v.array(text, 'must be a list of words');
const yesOrNo = v.boolean('must be true or false');
const KIND_MESSAGE = 'must be one of chat, transcription, speech';
const modelId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w./-]{0,126}$/, 'must be a model id'));

/** Groq's limits of one plan: requests, tokens and seconds of audio, a minute, an hour or a day. */
const planLimits = v.strictObject(
  {
    rpm: v.optional(count),
    rpd: v.optional(count),
    tpm: v.optional(count),
    tpd: v.optional(count),
    ash: v.optional(count),
    asd: v.optional(count),
  },
  'must be an object of limits',
);

const provenance = {
  verify: v.optional(yesOrNo),
  source: v.optional(text),
  alsoIn: v.optional(words),
  readOn: v.optional(date),
  note: v.optional(text),
};

const facts = {
  id: modelId,
  status: v.picklist(['production', 'preview', 'retired'], 'must be one of production, preview, retired'),
  retiredOn: v.optional(date),
  replacement: v.optional(text),
  stillServedTo: v.optional(text),
  /** Documented by Groq, and missing in its own `GET /models`. */
  unlisted: v.optional(yesOrNo, false),
  /** Served in batches, at a price lowered by this share. */
  batch: v.optional(yesOrNo),
  batchDiscount: v.optional(
    v.pipe(v.number('must be a share'), v.minValue(0, 'must not be negative'), v.maxValue(1, 'must be at most 1')),
  ),
  rateLimits: v.optional(
    v.strictObject({ free: v.optional(planLimits), developer: v.optional(planLimits) }, 'must be an object of plans'),
  ),
  ...provenance,
  /** The day on which a person confirmed a price that had changed more than threefold. */
  priceConfirmedOn: v.optional(date),
};

/** The tokens that a chat template adds; see maxInputTokens for the source of the default. */
const templateTokens = v.strictObject(
  { request: wholeNumber('a whole number of tokens', 0), message: wholeNumber('a whole number of tokens', 0) },
  'must be an object with request and message',
);

/** An entry of a catalog file for a chat model; prices in USD per million tokens. */
export const chatModel = v.strictObject(
  {
    ...facts,
    kind: v.optional(v.literal('chat', KIND_MESSAGE), 'chat'),
    input: pricePerMillion,
    output: pricePerMillion,
    cachedInput: v.optional(pricePerMillion),
    contextWindow: tokens,
    maxOutputTokens: v.optional(tokens),
    // The dearer rule, where nobody has read the model's tokenizer.
    textBound: v.optional(v.picklist(TEXT_BOUNDS, `must be one of ${TEXT_BOUNDS.join(', ')}`), 'bytesAfterNfc'),
    templateTokens: v.optional(templateTokens, { request: 128, message: 8 }),
    vision: v.optional(yesOrNo, false),
    imageTokens: v.optional(tokens),
    maxImages: v.optional(count),
    maxImageRequestBytes: v.optional(count),
    promptCaching: v.optional(yesOrNo),
    tools: v.optional(words),
    parallelTools: v.optional(yesOrNo),
    reasoningEfforts: v.optional(words),
    jsonSchema: v.optional(yesOrNo),
  },
  'must be an object',
);

/** An entry of a catalog file for a transcription model; prices in USD per hour of audio. */
export const transcriptionModel = v.strictObject(
  {
    ...facts,
    kind: v.literal('transcription', KIND_MESSAGE),
    perAudioHourUsd: dollars,
    minimumBilledSeconds: v.pipe(v.number('must be seconds'), v.minValue(0, 'must not be negative')),
    translations: v.optional(yesOrNo, false),
    maxUploadBytes: v.optional(
      v.strictObject(
        { free: v.optional(count), developer: v.optional(count), attachment: v.optional(count) },
        'must be an object of plans',
      ),
    ),
    responseFormats: v.optional(words),
  },
  'must be an object',
);

/** An entry of a catalog file for a model that speaks; prices in USD per million characters. */
export const speechModel = v.strictObject(
  {
    ...facts,
    kind: v.literal('speech', KIND_MESSAGE),
    perMillionCharactersUsd: pricePerMillion,
    maxInputCharacters: wholeNumber('a whole number of characters', 1),
    contextWindow: v.optional(tokens),
    maxOutputTokens: v.optional(tokens),
    responseFormats: v.optional(words),
    voices: v.optional(words),
    termsAcceptance: v.optional(yesOrNo),
  },
  'must be an object',
);

/** The schema of a model's entry, by its kind. */
export const MODEL_SCHEMAS = { chat: chatModel, transcription: transcriptionModel, speech: speechModel } as const;

const usesPrice = v.optional(v.nullable(dollars));
const toolPrice = v.strictObject(
  {
    tool: text,
    action: v.optional(text),
    perThousandUsesUsd: usesPrice,
    advancedPerThousandUsesUsd: usesPrice,
    perHourUsd: usesPrice,
    models: words,
    maxUsesPerRequest: v.optional(v.nullable(count)),
    retiredOn: v.optional(date),
    ...provenance,
  },
  'must be an object',
);

const PROVENANCE_FIELDS: readonly string[] = ['note', 'source', 'readOn'];
/**
 * Service tiers. 1: billed at the model's price; null: no price is known, so the tier is refused. Nothing computes with
 * another factor, so none is accepted.
 */
const serviceTiers = v.pipe(
  v.record(text, v.nullable(v.union([v.literal(1), text], "must be 1 (the model's price) or null (no price)"))),
  v.check(
    (tiers) =>
      Object.entries(tiers).every(
        ([tier, factor]) => (typeof factor === 'string') === PROVENANCE_FIELDS.includes(tier),
      ),
    "must have 1 (the model's price) or null (no price) for each tier",
  ),
);

/** A catalog file, before its models are parsed. */
export const catalogFile = v.strictObject(
  {
    _note: v.optional(text),
    models: v.array(
      v.looseObject({ id: v.string('must be a model id') }, 'must be an object'),
      'must be a list of models',
    ),
    toolPrices: v.optional(v.array(toolPrice, 'must be a list of tools')),
    // console.groq.com/docs/service-tiers, read 2026-11-30: these three are billed alike.
    serviceTiers: v.optional(serviceTiers, { on_demand: 1, flex: 1, auto: 1 }),
    notPriceable: v.optional(v.array(text), []),
    notPriceableWhy: v.optional(text),
    notPriceableReasons: v.optional(v.record(text, text), {}),
  },
  'must be an object',
);
