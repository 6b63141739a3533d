import type { TeamPolicy } from '../policy/environment.ts';
import { computeShortage, type LimitBucket, type Shortage, toBucket } from './limit-bucket.ts';
import type { GroqLimit, RateLimitObserver, RateLimitReading } from './rate-limit-reading.ts';

/** A team's priority when Groq's limits run low. */
export type Priority = TeamPolicy['priority'];

/**
 * The share of Groq's limit that must be free for a call of each priority, in percent. Batch needs a quarter: as much as
 * five calls of 5 % each, let through by instances that do not know of one another. Normal needs a tenth, so that teams of
 * high priority always find room.
 */
export const FREE_PERCENT: Readonly<Record<Priority, number>> = { high: 0, normal: 10, batch: 25 };

/** The maximum effect of a 429, in milliseconds: none of Groq's limits lasts longer than a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;
/**
 * The maximum effect of a 429 by a limit whose level Groq does not report, in milliseconds. The call may only have been too
 * large for what is left of the day's tokens, which must not block smaller calls. Trying again costs one refused call.
 */
const MAX_UNREPORTED_LIMIT_MS = 60_000;
/** The maximum number of models that are remembered. */
const MAX_MODELS = 200;

type Model = {
  readonly buckets: Partial<Record<GroqLimit, LimitBucket>>;
  readonly deadlines: RetryDeadlines;
};
/** The ends of Groq's 429s. A limit whose level Groq reports holds back batch; any other, all but high priority. */
type RetryDeadlines = { readonly reportedLimitUntilEpochMs: number; readonly unreportedLimitUntilEpochMs: number };
const NO_DEADLINES: RetryDeadlines = { reportedLimitUntilEpochMs: 0, unreportedLimitUntilEpochMs: 0 };

/**
 * The organisation's remaining limits at Groq per model, as last reported, and this process's calls in flight. Calls of
 * lower priority are held back before Groq refuses those of higher priority. Groq's buckets refill evenly, so one reading
 * gives the level at any later time, as long as no other call is made.
 */
export class Headroom implements RateLimitObserver {
  readonly #models = new Map<string, Model>();
  readonly #tokensInFlight = new Map<string, number>();

  observe(model: string, reading: RateLimitReading, nowEpochMs: number): void {
    if (this.#models.size >= MAX_MODELS && !this.#models.has(model)) this.#models.clear();
    const known = this.#models.get(model) ?? { buckets: {}, deadlines: NO_DEADLINES };
    const buckets = { ...known.buckets };
    for (const limit of ['requests', 'tokens'] as const) {
      const level = reading[limit];
      if (level !== undefined) buckets[limit] = toBucket(limit, level, nowEpochMs);
    }
    this.#models.set(model, { buckets, deadlines: updateRetryDeadlines(reading, known.deadlines, nowEpochMs) });
  }

  /** Counts a call's tokens as used until the returned function is called, when Groq's response has reported them. */
  start(model: string, tokens: number): () => void {
    this.#tokensInFlight.set(model, (this.#tokensInFlight.get(model) ?? 0) + tokens);
    return () => {
      const rest = (this.#tokensInFlight.get(model) ?? 0) - tokens;
      if (rest > 0) this.#tokensInFlight.set(model, rest);
      else this.#tokensInFlight.delete(model);
    };
  }

  /** The shortage that a call must wait out for calls of higher priority, or undefined if it may pass. */
  shortage(model: string, priority: Priority, nowEpochMs: number): Shortage | undefined {
    const known = this.#models.get(model);
    if (priority === 'high' || known === undefined) return undefined;
    const { reportedLimitUntilEpochMs, unreportedLimitUntilEpochMs } = known.deadlines;
    const untilEpochMs = Math.max(unreportedLimitUntilEpochMs, priority === 'batch' ? reportedLimitUntilEpochMs : 0);
    let longest: Shortage = { retryAfterMs: untilEpochMs - nowEpochMs };
    for (const limit of ['requests', 'tokens'] as const) {
      const bucket = known.buckets[limit];
      if (bucket === undefined) continue;
      // Maximums are several times the actual tokens: held against all teams, they would refuse calls that Groq has room for.
      const countsInFlight = limit === 'tokens' && priority === 'batch';
      const inFlightTokens = countsInFlight ? (this.#tokensInFlight.get(model) ?? 0) : 0;
      const shortage = computeShortage(limit, bucket, FREE_PERCENT[priority], inFlightTokens, nowEpochMs);
      if (shortage.retryAfterMs > longest.retryAfterMs) longest = shortage;
    }
    return longest.retryAfterMs > 0 ? longest : undefined;
  }
}

/** A 429 extends a deadline. A call that Groq served proves that no unreported limit is exhausted any more. */
function updateRetryDeadlines(reading: RateLimitReading, known: RetryDeadlines, nowEpochMs: number): RetryDeadlines {
  const { refused, isServed } = reading;
  if (refused === undefined) return isServed === true ? { ...known, unreportedLimitUntilEpochMs: 0 } : known;
  const isReported = refused.by !== undefined && reading[refused.by] !== undefined;
  const forMs = Math.ceil(Math.min(refused.retryAfterMs, isReported ? MAX_RETRY_AFTER_MS : MAX_UNREPORTED_LIMIT_MS));
  const which = isReported ? 'reportedLimitUntilEpochMs' : 'unreportedLimitUntilEpochMs';
  return { ...known, [which]: Math.max(known[which], nowEpochMs + forMs) };
}
