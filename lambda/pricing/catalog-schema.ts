import * as v from 'valibot';
import { picoUsdFromNumber } from '../kernel/money.ts';

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
const date = v.pipe(v.string(), v.isoDate('must be a date as YYYY-MM-DD'));
const facts = {
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][\w./-]{0,126}$/, 'must be a model id')),
  status: v.picklist(['production', 'preview', 'retired'], 'must be one of production, preview, retired'),
  retiredOn: v.optional(date),
  replacement: v.optional(v.string()),
  stillServedTo: v.optional(v.string()),
  verify: v.optional(v.boolean()),
  source: v.optional(v.string()),
  readOn: v.optional(date),
  /** The day on which a person confirmed a price that had changed more than threefold. */
  priceConfirmedOn: v.optional(date),
};

/** An entry of a catalog file for a chat model; prices in USD per million tokens. */
export const chatModel = v.strictObject(
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

/** An entry of a catalog file for a transcription model; prices in USD per hour of audio. */
export const transcriptionModel = v.strictObject(
  {
    ...facts,
    kind: v.literal('transcription'),
    perAudioHourUsd: v.pipe(v.number('must be dollars as a number'), v.minValue(0, 'must not be negative')),
    minimumBilledSeconds: v.pipe(v.number(), v.minValue(0, 'must not be negative')),
  },
  'must be an object',
);

/** A catalog file, before its models are parsed. */
export const catalogFile = v.strictObject(
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
