import type { ErrorResponse } from './error-responses.ts';

/** An organisation's limits, the same for each model. */
export type OrganizationLimits = { readonly tokensPerMinute: number; readonly requestsPerDay: number };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The headers that an organisation with little usage receives. */
const IDLE_HEADERS = {
  'x-ratelimit-limit-requests': '14400',
  'x-ratelimit-remaining-requests': '14399',
  'x-ratelimit-reset-requests': '6s',
  'x-ratelimit-limit-tokens': '250000',
  'x-ratelimit-remaining-tokens': '249900',
  'x-ratelimit-reset-tokens': '24ms',
};

/** A bucket that refills evenly. */
class Bucket {
  readonly #limit: number;
  readonly #windowMs: number;
  #used = 0;
  #atMs = 0;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  usedAt(nowMs: number): number {
    return Math.max(0, this.#used - ((nowMs - this.#atMs) * this.#limit) / this.#windowMs);
  }

  take(units: number, nowMs: number): void {
    this.#used = this.usedAt(nowMs) + units;
    this.#atMs = nowMs;
  }

  /** The milliseconds until so many units fit; zero or less if they fit now. */
  waitMs(units: number, nowMs: number): number {
    return ((this.usedAt(nowMs) + units - this.#limit) * this.#windowMs) / this.#limit;
  }

  headers(name: string, nowMs: number): Record<string, string> {
    const used = this.usedAt(nowMs);
    return {
      [`x-ratelimit-limit-${name}`]: String(this.#limit),
      [`x-ratelimit-remaining-${name}`]: String(Math.floor(this.#limit - used)),
      [`x-ratelimit-reset-${name}`]: formatGoDuration((used * this.#windowMs) / this.#limit),
    };
  }
}

/** Groq's limits of one organisation: buckets of tokens and requests per model, reported in Groq's headers. */
export class FakeLimits {
  readonly #limits: OrganizationLimits | undefined;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, { readonly tokens: Bucket; readonly requests: Bucket }>();

  constructor(limits: OrganizationLimits | undefined, nowMs: () => number) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Takes a call's tokens, or returns Groq's error. `headers` belong to the response in both cases. */
  take(
    model: string,
    tokens: number,
  ): { readonly headers: Readonly<Record<string, string>>; readonly error?: ErrorResponse } {
    if (this.#limits === undefined) return { headers: IDLE_HEADERS };
    const { tokensPerMinute, requestsPerDay } = this.#limits;
    const nowMs = this.#nowMs();
    const buckets = this.#buckets.get(model) ?? {
      tokens: new Bucket(tokensPerMinute, MINUTE_MS),
      requests: new Bucket(requestsPerDay, DAY_MS),
    };
    this.#buckets.set(model, buckets);
    const waits = [
      {
        name: 'tokens per minute (TPM)',
        type: 'tokens',
        bucket: buckets.tokens,
        limit: tokensPerMinute,
        units: tokens,
      },
      { name: 'requests per day (RPD)', type: 'requests', bucket: buckets.requests, limit: requestsPerDay, units: 1 },
    ].map((wait) => ({ ...wait, waitMs: wait.bucket.waitMs(wait.units, nowMs) }));
    const short = waits.find(({ waitMs }) => waitMs > 0);
    if (short === undefined) for (const { bucket, units } of waits) bucket.take(units, nowMs);
    const headers = { ...buckets.requests.headers('requests', nowMs), ...buckets.tokens.headers('tokens', nowMs) };
    if (short === undefined) return { headers };
    const { name, type, bucket, limit, units, waitMs } = short;
    const used = Math.ceil(bucket.usedAt(nowMs));
    const message = `Rate limit reached for model \`${model}\` in organization \`org_fake\` service tier \`on_demand\` on ${name}: Limit ${limit}, Used ${used}, Requested ${units}. Please try again in ${formatGoDuration(waitMs)}. Visit https://console.groq.com/docs/rate-limits for more information.`;
    const errorHeaders = { ...headers, 'retry-after': String(Math.ceil(waitMs / 1000)) };
    return {
      headers: errorHeaders,
      error: { status: 429, error: { message, type, code: 'rate_limit_exceeded' }, headers: errorHeaders },
    };
  }
}

/** Formats a duration as Go does: `24ms`, `7.66s`, `2m59.56s`, `1h2m3s`. */
function formatGoDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const whole = Math.ceil(ms);
  const [hours, minutes] = [Math.floor(whole / 3_600_000), Math.floor((whole % 3_600_000) / MINUTE_MS)];
  const seconds = `${(whole % MINUTE_MS) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
