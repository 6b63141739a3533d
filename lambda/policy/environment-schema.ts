import * as v from 'valibot';

/** The sources of a team's next Groq key: a queue that operators fill, or the upstream's API for keys. */
export const GROQ_KEY_SOURCES = ['staged', 'admin-api'] as const;

/** The name of one of {@link GROQ_KEY_SOURCES}. */
export type GroqKeySourceName = (typeof GROQ_KEY_SOURCES)[number];

/** The maximum of `maxQueueMs`: a waiting Lambda costs money. */
const MAX_QUEUE_MS = 2_000;
/** The maximum of `maxConcurrent`: each request in flight adds some 80 bytes to every write of the ledger. */
const MAX_CONCURRENT = 200;
/** The longest rotation schedule that Secrets Manager accepts, in days (RotationRulesType API reference, read 2026-11-25). */
const MAX_ROTATION_DAYS = 1_000;
/** The maximum of `canaryMinutes`: a replaced Groq key stays valid for that time. */
const MAX_CANARY_MINUTES = 1_440;

const dollars = v.pipe(
  v.number('must be dollars as a number'),
  v.minValue(0, 'must not be negative'),
  v.maxValue(1e9, 'must be at most 1,000,000,000'),
);
const count = (max: number) =>
  v.pipe(
    v.number('must be a whole number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(max, `must be at most ${max}`),
  );

export const organizationSchema = v.strictObject(
  {
    /** The dollars for all teams together in a calendar month (UTC). @default 500 */
    monthlyCapUsd: v.optional(dollars, 500),
    /** The dollars of the organisation's spending at which to alert. @default none */
    alertsUsd: v.optional(v.array(dollars, 'must be a list of dollars'), []),
    /** The shares of a budget at which to alert, in percent. @default [50, 80, 95] */
    alertsPercent: v.optional(
      v.array(
        v.pipe(
          v.number('must be a list of percentages'),
          v.minValue(1, 'must be at least 1'),
          v.maxValue(100, 'must be at most 100'),
        ),
        'must be a list of percentages',
      ),
      [50, 80, 95],
    ),
  },
  'must be an object',
);

export const teamSchema = v.strictObject(
  {
    /** The team's purpose, for people. @default '' */
    purpose: v.optional(v.string('must be text'), ''),
    /** Ids from the catalog. */
    allowedModels: v.pipe(
      v.array(v.string('must be a list of model ids'), 'must be a list of model ids'),
      v.minLength(1, 'must name at least one model'),
    ),
    /** The maximum output tokens of a request; also sent when a request states none. @default null: the model's maximum */
    maxTokensPerRequest: v.optional(v.nullable(count(1_000_000)), null),
    /** The dollars in a calendar month (UTC). @default the organisation's monthlyCapUsd */
    monthlyBudgetUsd: v.optional(v.nullable(dollars), null),
    /** Requests a minute; null: no limit. @default 60 */
    rateLimitRpm: v.optional(v.nullable(count(1_000_000)), 60),
    /** Tokens a minute; null: no limit. @default null */
    rateLimitTpm: v.optional(v.nullable(count(1_000_000_000)), null),
    /** Requests a day, which API Gateway enforces approximately; null: no limit. @default null */
    requestsPerDay: v.optional(v.nullable(count(1_000_000_000)), null),
    /** Requests in flight at the same time, at most 200. @default 5 */
    maxConcurrent: v.optional(count(MAX_CONCURRENT), 5),
    /** Milliseconds for which a request may queue for a rate, a free place or Groq's limits, at most 2,000. @default 0: no queue */
    maxQueueMs: v.optional(
      v.pipe(
        v.number('must be milliseconds'),
        v.integer('must be whole milliseconds'),
        v.minValue(0, 'must not be negative'),
        v.maxValue(MAX_QUEUE_MS, `must be at most ${MAX_QUEUE_MS}`),
      ),
      0,
    ),
    /**
     * The priority when Groq's own limits for the organisation run low. `batch` is refused while less than 25 % of a
     * model's requests a day or tokens a minute are free, `normal` below 10 %, `high` never. @default 'normal'
     */
    priority: v.optional(v.picklist(['high', 'normal', 'batch'], 'must be one of high, normal, batch'), 'normal'),
    /**
     * The treatment of a request for more output than the budget can pay: `refuse` it, or `clamp` its output to what the
     * budget pays, but to no less than 64 tokens or the stated maximum. @default 'refuse'
     */
    whenLow: v.optional(v.picklist(['refuse', 'clamp'], 'must be one of refuse, clamp'), 'refuse'),
    /** The treatment of a request for a retired model: `refuse` it, or use its `replace`ment. @default 'refuse' */
    onRetiredModel: v.optional(v.picklist(['refuse', 'replace'], 'must be one of refuse, replace'), 'refuse'),
    /**
     * Days between rotations of the team key in the secret `gateway/<team>-<environment>-service`, at most 1,000; null: no
     * such secret, because one costs $0.40 a month. @default null
     */
    rotateKeyEveryDays: v.optional(v.nullable(count(MAX_ROTATION_DAYS)), null),
    /**
     * The source of the next Groq key in a rotation: `staged`, a queue that operators fill with `groq-rbac groq-key
     * stage`, or `admin-api`, for an upstream that creates and deletes keys by `/openai/v1/api-keys`, which Groq does not.
     * @default 'staged'
     */
    groqKeySource: v.optional(v.picklist(GROQ_KEY_SOURCES, `must be one of ${GROQ_KEY_SOURCES.join(', ')}`), 'staged'),
    /**
     * Days between rotations of the team's Groq key, at most 1,000; null: only when an operator starts one. With `staged`,
     * a key must be in the queue by then. @default null
     */
    rotateGroqKeyEveryDays: v.optional(v.nullable(count(MAX_ROTATION_DAYS)), null),
    /**
     * The share of calls, in percent, that use a new Groq key while it is younger than `canaryMinutes`. The other calls use
     * the previous key, which is also the fallback when Groq refuses the new one. @default 10
     */
    canaryPercent: v.optional(
      v.pipe(
        v.number('must be a percentage'),
        v.minValue(0, 'must not be negative'),
        v.maxValue(100, 'must be at most 100'),
      ),
      10,
    ),
    /** Minutes for which a new Groq key gets only that share, at most a day; 0: it gets all calls immediately. @default 10 */
    canaryMinutes: v.optional(
      v.pipe(
        v.number('must be minutes'),
        v.minValue(0, 'must not be negative'),
        v.maxValue(MAX_CANARY_MINUTES, `must be at most ${MAX_CANARY_MINUTES}`),
      ),
      10,
    ),
    /** E-mail addresses for this team's alerts. @default none */
    alertRecipients: v.optional(
      v.array(v.pipe(v.string(), v.email('must be a list of e-mail addresses')), 'must be a list of e-mail addresses'),
      [],
    ),
  },
  'must be an object',
);
