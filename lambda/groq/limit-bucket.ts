import type { GroqLimit, RateLimitLevel } from './rate-limit-reading.ts';

/** The time in which each of Groq's limits refills, in milliseconds; read 2026-11-23, console.groq.com/docs/rate-limits. */
const WINDOW_MS: Readonly<Record<GroqLimit, number>> = { requests: 86_400_000, tokens: 60_000 };
/** The share of a limit that must be used before its reset time reveals the window: short times are rounded too much. */
const MIN_USED_SHARE = 0.01;

/** A token bucket that refills evenly: its level at one moment, and the time in which all of it refills. */
export type LimitBucket = {
  readonly perWindow: number;
  readonly level: number;
  readonly atEpochMs: number;
  readonly windowMs: number;
};

/** The reason why a call is held back. */
export type Shortage = {
  /** The time until the call may pass if no other call is made and calls in flight use all their tokens. */
  readonly retryAfterMs: number;
  /** The limit that is short for longest; absent if Groq refused calls by a limit whose level it does not report. */
  readonly low?: {
    readonly limit: GroqLimit;
    readonly perWindow: number;
    readonly freePercent: number;
    /** True if tokens of calls in flight are counted as used. */
    readonly countsInFlight: boolean;
  };
};

/** Builds a bucket from the level that Groq reported. */
export function toBucket(
  limit: GroqLimit,
  { perWindow, remaining, resetAfterMs = 0 }: RateLimitLevel,
  nowEpochMs: number,
): LimitBucket {
  const used = perWindow - remaining;
  // Upstreams with shorter windows than Groq's reveal them by the reset time, unless the bucket is nearly full.
  const reportedWindowMs =
    used >= MIN_USED_SHARE * perWindow && resetAfterMs > 0 ? (resetAfterMs * perWindow) / used : WINDOW_MS[limit];
  return { perWindow, level: remaining, atEpochMs: nowEpochMs, windowMs: Math.min(reportedWindowMs, WINDOW_MS[limit]) };
}

/** Computes how long a bucket stays below its required free share; `retryAfterMs` is zero or less if it is not below. */
export function computeShortage(
  limit: GroqLimit,
  bucket: LimitBucket,
  requiredFreePercent: number,
  inFlightTokens: number,
  nowEpochMs: number,
): Shortage {
  const { perWindow, windowMs } = bucket;
  const refilled = bucket.level + ((nowEpochMs - bucket.atEpochMs) * perWindow) / windowMs;
  const { level, atEpochMs } = refilled < perWindow ? bucket : { level: perWindow, atEpochMs: nowEpochMs };
  const levelNow = Math.min(refilled, perWindow);
  // Groq lets no more than the whole level through.
  const inFlight = Math.min(inFlightTokens, levelNow);
  const lacking = Math.ceil((perWindow * requiredFreePercent) / 100) + inFlight - level;
  return {
    // Computed from the reading, not from now, so that the end of the shortage is the same whenever it is computed.
    retryAfterMs: atEpochMs + Math.ceil((lacking * windowMs) / perWindow) - nowEpochMs,
    low: {
      limit,
      perWindow,
      freePercent: Math.max(0, Math.floor(((levelNow - inFlight) * 100) / perWindow)),
      countsInFlight: inFlight > 0,
    },
  };
}
