import type { GroqLimit, RateLimitLevel, RateLimitReading } from '../rate-limit-reading.ts';
import { parseRetryAfterMs } from './groq-errors.ts';

/** The units of Groq's durations, which have Go's format, in milliseconds. */
const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 },
  ...{ ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 },
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|μs|ns|d|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)([a-zµμ]+)/g;
/** The maximum length of a text that is parsed as a duration. */
const MAX_LENGTH = 40;
/** The effect of a 429 without a `retry-after`, in milliseconds. */
const DEFAULT_RETRY_MS = 1_000;
/** The limits in Groq's messages whose level its headers report. */
const REPORTED_LIMITS: Readonly<Record<string, GroqLimit>> = { TPM: 'tokens', RPD: 'requests' };

/** Parses a duration such as `7.66s`, `2m59.56s` or `24ms` to milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  if (text.length > MAX_LENGTH || !DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0);
  return ms;
}

/** Parses the organisation's limits from a response's headers; missing or malformed ones are left out. */
export function parseRateLimitHeaders(headers: Headers): RateLimitReading {
  const requests = parseRateLimitLevel(headers, 'requests');
  const tokens = parseRateLimitLevel(headers, 'tokens');
  return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) };
}

/** Parses a 429: the limits in its headers, its `retry-after`, and the limit that its message names. */
export function parseRateLimitRefusal(headers: Headers, message: string): RateLimitReading {
  const named = /\((\w{1,8})\): Limit/.exec(message)?.[1];
  const refused = {
    retryAfterMs: parseRetryAfterMs(headers) ?? DEFAULT_RETRY_MS,
    by: named !== undefined && Object.hasOwn(REPORTED_LIMITS, named) ? REPORTED_LIMITS[named] : undefined,
  };
  return { ...parseRateLimitHeaders(headers), refused };
}

function parseRateLimitLevel(headers: Headers, limit: GroqLimit): RateLimitLevel | undefined {
  const perWindow = parseCount(headers.get(`x-ratelimit-limit-${limit}`));
  const remaining = parseCount(headers.get(`x-ratelimit-remaining-${limit}`));
  if (perWindow === undefined || perWindow === 0 || remaining === undefined || remaining > perWindow) return undefined;
  const resetAfterMs = parseDurationMs(headers.get(`x-ratelimit-reset-${limit}`) ?? '');
  return { perWindow, remaining, ...(resetAfterMs === undefined ? {} : { resetAfterMs }) };
}

function parseCount(text: string | null): number | undefined {
  const count = text !== null && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}
