import * as v from 'valibot';

/** Where a team's next Groq key comes from: a queue that operators fill, or upstream's own API of keys. */
export const GROQ_KEY_SOURCES = ['staged', 'admin-api'] as const;

/** The name of one of {@link GROQ_KEY_SOURCES}. */
export type GroqKeySourceName = (typeof GROQ_KEY_SOURCES)[number];

/** The longest a team may let a request wait for its rate, in milliseconds: a waiting Lambda costs money. */
const MAX_QUEUE_MS = 2_000;
/** The most requests in flight one ledger item can hold: each adds some 80 bytes to every write. */
const MAX_CONCURRENT = 200;
/** The longest schedule that Secrets Manager takes, in days (RotationRulesType API reference, read 2026-11-25). */
const MAX_ROTATION_DAYS = 1_000;
/** The longest that a new Groq key is tried with a share of the calls, in minutes: for so long a replaced one stays. */
const MAX_CANARY_MINUTES = 1_440;

const dollars = v.pipe(
  v.number('must be dollars as a number'),
  v.minValue(0, 'must not be negative'),
  v.maxValue(1e9, 'must be at most 1,000,000,000'),
);
const count = (most: number) =>
  v.pipe(
    v.number('must be a whole number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(most, `must be at most ${most}`),
  );

export const organizationSchema = v.strictObject(
  {
    /** Dollars a calendar month (UTC) for all teams together. @default 500 */
    monthlyCapUsd: v.optional(dollars, 500),
    /** Dollars of the organisation's spending to alert at. @default none */
    alertsUsd: v.optional(v.array(dollars, 'must be a list of dollars'), []),
    /** Shares of a budget to alert at, in percent. @default [50, 80, 95] */
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
    /** What the team uses Groq for, for people. @default '' */
    purpose: v.optional(v.string('must be text'), ''),
    /** Ids from the catalog. */
    allowedModels: v.pipe(
      v.array(v.string('must be a list of model ids'), 'must be a list of model ids'),
      v.minLength(1, 'must name at least one model'),
    ),
    /** The most output tokens one request may ask for; also sent when a request states none. @default null: the model's own maximum */
    maxTokensPerRequest: v.optional(v.nullable(count(1_000_000)), null),
    /** Dollars a calendar month (UTC). @default the organisation's monthlyCapUsd */
    monthlyBudgetUsd: v.optional(v.nullable(dollars), null),
    /** Requests a minute; null: no limit. @default 60 */
    rateLimitRpm: v.optional(v.nullable(count(1_000_000)), 60),
    /** Tokens a minute; null: no limit. @default null */
    rateLimitTpm: v.optional(v.nullable(count(1_000_000_000)), null),
    /** Requests a day that API Gateway lets through, approximately; null: no limit. @default null */
    requestsPerDay: v.optional(v.nullable(count(1_000_000_000)), null),
    /** Requests in flight at once, at most 200. @default 5 */
    maxConcurrent: v.optional(count(MAX_CONCURRENT), 5),
    /** Milliseconds a request may wait for its rate, a place or Groq's limits, at most 2,000. @default 0: refused at once */
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
     * Who is held back first when Groq's own limits for the organisation run low: `batch` while less than 25 % of a
     * model's requests a day or tokens a minute are free, `normal` under 10 %, `high` never. @default 'normal'
     */
    priority: v.optional(v.picklist(['high', 'normal', 'batch'], 'must be one of high, normal, batch'), 'normal'),
    /**
     * What a request gets that states more output than the budget still pays: a refusal, or as much as it pays, at least
     * 64 tokens or what was stated. @default 'refuse'
     */
    whenLow: v.optional(v.picklist(['refuse', 'clamp'], 'must be one of refuse, clamp'), 'refuse'),
    /** What a request for a retired model gets. @default 'refuse' */
    onRetiredModel: v.optional(v.picklist(['refuse', 'replace'], 'must be one of refuse, replace'), 'refuse'),
    /**
     * Days between rotations of the key that the team's services read from the secret `gateway/<team>-<environment>-service`,
     * at most 1,000; null: there is no such secret, since one costs $0.40 a month. @default null
     */
    rotateKeyEveryDays: v.optional(v.nullable(count(MAX_ROTATION_DAYS)), null),
    /**
     * Where the next key comes from when the team's Groq key is rotated: `staged`, a queue that operators fill by
     * `groq-rbac groq-key stage`; or `admin-api`, for an upstream that makes and deletes keys by `/openai/v1/api-keys`,
     * which Groq does not. @default 'staged'
     */
    groqKeySource: v.optional(v.picklist(GROQ_KEY_SOURCES, `must be one of ${GROQ_KEY_SOURCES.join(', ')}`), 'staged'),
    /**
     * Days after which the team's Groq key is rotated, at most 1,000; null: when an operator says so. With `staged`, a key
     * must wait by then. @default null
     */
    rotateGroqKeyEveryDays: v.optional(v.nullable(count(MAX_ROTATION_DAYS)), null),
    /**
     * The share of calls, in percent, that go on a new Groq key while it is younger than `canaryMinutes`; the others stay
     * on the one before, which also takes over where Groq refuses the new one. @default 10
     */
    canaryPercent: v.optional(
      v.pipe(
        v.number('must be a percentage'),
        v.minValue(0, 'must not be negative'),
        v.maxValue(100, 'must be at most 100'),
      ),
      10,
    ),
    /** Minutes for which a new Groq key gets that share only, at most a day; 0: it gets all calls at once. @default 10 */
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
