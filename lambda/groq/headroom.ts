import type { TeamPolicy } from '../policy/environment.ts';
import type { GroqLimit, RateLimitLevel, RateLimitObserver, RateLimitReading } from './rate-limit-reading.ts';

/** Who may go first when Groq's limits run low. */
export type Priority = TeamPolicy['priority'];

/**
 * The share of Groq's limit that must be free for a call of each priority, in percent. A quarter for batches: what five
 * calls of 5 % each take that were let through by instances which have not seen one another. A tenth for the rest, so that
 * the teams of high priority always find room to come in.
 */
export const FREE_PERCENT: Readonly<Record<Priority, number>> = { high: 0, normal: 10, batch: 25 };

/** The time in which each of Groq's limits refills, in milliseconds; read 2026-11-23, console.groq.com/docs/rate-limits. */
const WINDOW_MS: Readonly<Record<GroqLimit, number>> = { requests: 86_400_000, tokens: 60_000 };
/** The longest that a 429 is believed, in milliseconds: no limit of Groq's lasts longer than a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;
/**
 * The longest that one by a limit whose level is not told is believed, in milliseconds. It may be one call too large for
 * what is left of a day's tokens, which must not close the model to the small ones; asking again costs one refused call.
 */
const MAX_UNREPORTED_LIMIT_MS = 60_000;
/** The share of a limit that must be used for its time to refill to tell the window, since small times are rounded. */
const MIN_USED_SHARE = 0.01;
/** How many models are remembered. */
const MAX_MODELS = 200;

/** Why a call is held back. */
export type Shortage = {
  /** Until it is let through if nobody else calls, and calls in flight use all they may. */
  readonly retryAfterMs: number;
  /** The limit that is short for longest; none where Groq refused by a limit whose level it does not tell. */
  readonly low?: {
    readonly limit: GroqLimit;
    readonly perWindow: number;
    readonly freePercent: number;
    /** Whether calls in flight are counted as used. */
    readonly countsInFlight: boolean;
  };
};

/** A bucket at a moment, and the time in which all of it refills. */
type Bucket = {
  readonly perWindow: number;
  readonly level: number;
  readonly atEpochMs: number;
  readonly windowMs: number;
};
type Model = {
  readonly buckets: Partial<Record<GroqLimit, Bucket>>;
  readonly closed: RetryDeadlines;
};
/** Until when Groq's 429s hold calls back: those by a limit that is told, batches; those by another, all but the high. */
type RetryDeadlines = { readonly reportedLimitUntilEpochMs: number; readonly unreportedLimitUntilEpochMs: number };
const OPEN: RetryDeadlines = { reportedLimitUntilEpochMs: 0, unreportedLimitUntilEpochMs: 0 };

/**
 * What Groq last said of the organisation's limits, by model, and what this process has under way, so that teams of lower
 * priority are held back before those of higher priority are refused. Groq's buckets refill evenly, so a sighting tells
 * the level at any later time, as long as nobody else calls.
 */
export class Headroom implements RateLimitObserver {
  readonly #models = new Map<string, Model>();
  readonly #tokensInFlight = new Map<string, number>();

  observe(model: string, reading: RateLimitReading, nowEpochMs: number): void {
    if (this.#models.size >= MAX_MODELS && !this.#models.has(model)) this.#models.clear();
    const known = this.#models.get(model) ?? { buckets: {}, closed: OPEN };
    const buckets = { ...known.buckets };
    for (const limit of ['requests', 'tokens'] as const) {
      const seen = reading[limit];
      if (seen !== undefined) buckets[limit] = toBucket(limit, seen, nowEpochMs);
    }
    this.#models.set(model, { buckets, closed: updateRetryDeadlines(reading, known.closed, nowEpochMs) });
  }

  /** Counts a call's tokens as used until Groq tells of them; the function returned ends that. */
  start(model: string, tokens: number): () => void {
    this.#tokensInFlight.set(model, (this.#tokensInFlight.get(model) ?? 0) + tokens);
    return () => {
      const left = (this.#tokensInFlight.get(model) ?? 0) - tokens;
      if (left > 0) this.#tokensInFlight.set(model, left);
      else this.#tokensInFlight.delete(model);
    };
  }

  /** Why a call must wait for others of higher priority, or undefined when it need not. */
  shortage(model: string, priority: Priority, nowEpochMs: number): Shortage | undefined {
    const known = this.#models.get(model);
    if (priority === 'high' || known === undefined) return undefined;
    const { reportedLimitUntilEpochMs, unreportedLimitUntilEpochMs } = known.closed;
    const untilEpochMs = Math.max(unreportedLimitUntilEpochMs, priority === 'batch' ? reportedLimitUntilEpochMs : 0);
    let worst: Shortage = { retryAfterMs: untilEpochMs - nowEpochMs };
    for (const limit of ['requests', 'tokens'] as const) {
      const bucket = known.buckets[limit];
      if (bucket === undefined) continue;
      // Bounds are several times the truth: held against all teams, they would refuse what Groq has room for.
      const isCounted = limit === 'tokens' && priority === 'batch';
      const inFlightTokens = isCounted ? (this.#tokensInFlight.get(model) ?? 0) : 0;
      const short = computeShortage(limit, bucket, FREE_PERCENT[priority], inFlightTokens, nowEpochMs);
      if (short.retryAfterMs > worst.retryAfterMs) worst = short;
    }
    return worst.retryAfterMs > 0 ? worst : undefined;
  }
}

function toBucket(
  limit: GroqLimit,
  { perWindow, remaining, resetAfterMs = 0 }: RateLimitLevel,
  nowEpochMs: number,
): Bucket {
  const used = perWindow - remaining;
  // Upstreams whose windows are shorter than Groq's say so; of a bucket that is nearly full it cannot be told exactly.
  const reportedWindowMs =
    used >= MIN_USED_SHARE * perWindow && resetAfterMs > 0 ? (resetAfterMs * perWindow) / used : WINDOW_MS[limit];
  return { perWindow, level: remaining, atEpochMs: nowEpochMs, windowMs: Math.min(reportedWindowMs, WINDOW_MS[limit]) };
}

/** A 429 closes; a call that Groq has served shows that no limit which is not told is reached any more. */
function updateRetryDeadlines(reading: RateLimitReading, known: RetryDeadlines, nowEpochMs: number): RetryDeadlines {
  const { refused, isServed } = reading;
  if (refused === undefined) return isServed === true ? { ...known, unreportedLimitUntilEpochMs: 0 } : known;
  const isReported = refused.by !== undefined && reading[refused.by] !== undefined;
  const forMs = Math.ceil(Math.min(refused.retryAfterMs, isReported ? MAX_RETRY_AFTER_MS : MAX_UNREPORTED_LIMIT_MS));
  const which = isReported ? 'reportedLimitUntilEpochMs' : 'unreportedLimitUntilEpochMs';
  return { ...known, [which]: Math.max(known[which], nowEpochMs + forMs) };
}

/** How long a bucket is below what must be free; not positive when it is not. */
function computeShortage(
  limit: GroqLimit,
  bucket: Bucket,
  requiredFreePercent: number,
  inFlightTokens: number,
  nowEpochMs: number,
): Shortage {
  const { perWindow, windowMs } = bucket;
  const refilled = bucket.level + ((nowEpochMs - bucket.atEpochMs) * perWindow) / windowMs;
  const { level, atEpochMs } = refilled < perWindow ? bucket : { level: perWindow, atEpochMs: nowEpochMs };
  const levelNow = Math.min(refilled, perWindow);
  // More than all of it Groq would not let through.
  const taken = Math.min(inFlightTokens, levelNow);
  const lacking = Math.ceil((perWindow * requiredFreePercent) / 100) + taken - level;
  return {
    // From the sighting on, not from now: so the moment stays the same to the millisecond, whenever it is asked for.
    retryAfterMs: atEpochMs + Math.ceil((lacking * windowMs) / perWindow) - nowEpochMs,
    low: {
      limit,
      perWindow,
      freePercent: Math.max(0, Math.floor(((levelNow - taken) * 100) / perWindow)),
      countsInFlight: taken > 0,
    },
  };
}
