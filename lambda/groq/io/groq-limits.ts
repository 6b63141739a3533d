import type { GroqLimit, LimitSighting, SeenLimit } from '../limit-watch.ts';
import { retryAfterMsOf } from './groq-errors.ts';

/** What Groq's durations are made of, in milliseconds: it writes them as Go does. */
const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 },
  ...{ ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 },
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|μs|ns|d|h|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)([a-zµμ]+)/g;
/** The longest text that is read as a duration or a number. */
const MAX_LENGTH = 40;
/** How long a 429 without a `retry-after` is believed, in milliseconds. */
const DEFAULT_RETRY_MS = 1_000;
/** The limits that Groq's message names and whose level its headers tell. */
const TOLD: Readonly<Record<string, GroqLimit>> = { TPM: 'tokens', RPD: 'requests' };

/** Reads a duration such as `7.66s`, `2m59.56s` or `24ms`, in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  if (text.length > MAX_LENGTH || !DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNITS_MS[unit ?? ''] ?? 0);
  return ms;
}

/** What an answer's headers tell of the organisation's limits; what is missing or odd is left out. */
export function limitsOfHeaders(headers: Headers): LimitSighting {
  const requests = seenLimit(headers, 'requests');
  const tokens = seenLimit(headers, 'tokens');
  return { ...(requests === undefined ? {} : { requests }), ...(tokens === undefined ? {} : { tokens }) };
}

/** What a 429 tells besides: when to come back, and which limit it was. */
export function limitsOfRefusal(headers: Headers, message: string): LimitSighting {
  const named = /\((\w{1,8})\): Limit/.exec(message)?.[1];
  const refused = {
    retryAfterMs: retryAfterMsOf(headers) ?? DEFAULT_RETRY_MS,
    by: named !== undefined && Object.hasOwn(TOLD, named) ? TOLD[named] : undefined,
  };
  return { ...limitsOfHeaders(headers), refused };
}

function seenLimit(headers: Headers, limit: GroqLimit): SeenLimit | undefined {
  const perWindow = countOf(headers.get(`x-ratelimit-limit-${limit}`));
  const remaining = countOf(headers.get(`x-ratelimit-remaining-${limit}`));
  if (perWindow === undefined || perWindow === 0 || remaining === undefined || remaining > perWindow) return undefined;
  const fullInMs = durationMs(headers.get(`x-ratelimit-reset-${limit}`) ?? '');
  return { perWindow, remaining, ...(fullInMs === undefined ? {} : { fullInMs }) };
}

function countOf(text: string | null): number | undefined {
  const count = text !== null && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(count) ? count : undefined;
}
