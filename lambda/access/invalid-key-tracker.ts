/** Time that an invalid key stays known, and the sliding window of the limit per source, in milliseconds. */
const WINDOW_MS = 60_000;
/** Maximum invalid keys per source and window; beyond it, keys that this process has not seen valid are not looked up. */
export const MAX_INVALID_KEYS = 100;
/** Maximum entries; the oldest is evicted first. */
const MAX_TRACKED_KEYS = 10_000;
const MAX_TRACKED_SOURCES = 1_000;

/**
 * In-memory record of the keys presented to one process, by hash. It saves the read for a service that keeps sending an
 * invalid key, and throttles a source that guesses keys. A shared record would cost a write per attempt.
 */
export class InvalidKeyTracker {
  readonly #invalid = new Map<string, number>();
  readonly #valid = new Map<string, number>();
  /** Times of each source's newest invalid keys, at most {@link MAX_INVALID_KEYS}. */
  readonly #timesBySource = new Map<string, readonly number[]>();

  /** Returns true for a key that was found invalid within the window. */
  isKnownInvalid(hash: string, nowEpochMs: number): boolean {
    return nowEpochMs - (this.#invalid.get(hash) ?? Number.NEGATIVE_INFINITY) < WINDOW_MS;
  }

  /** Returns true if the key must not be looked up: its source is over the limit, and the key was never valid here. */
  isThrottled(source: string, hash: string, nowEpochMs: number): boolean {
    return !this.#valid.has(hash) && this.isOverLimit(source, nowEpochMs);
  }

  /** Returns true for a source that has presented {@link MAX_INVALID_KEYS} invalid keys within the window. */
  isOverLimit(source: string, nowEpochMs: number): boolean {
    const times = this.#timesBySource.get(source) ?? [];
    return times.length >= MAX_INVALID_KEYS && nowEpochMs - (times[0] ?? 0) < WINDOW_MS;
  }

  recordValid(hash: string, nowEpochMs: number): void {
    putNewest(this.#valid, hash, nowEpochMs, MAX_TRACKED_KEYS);
  }

  recordInvalid(hash: string, source: string, nowEpochMs: number): void {
    this.#valid.delete(hash);
    putNewest(this.#invalid, hash, nowEpochMs, MAX_TRACKED_KEYS);
    const times = [...(this.#timesBySource.get(source) ?? []), nowEpochMs].slice(-MAX_INVALID_KEYS);
    putNewest(this.#timesBySource, source, times, MAX_TRACKED_SOURCES);
  }
}

/** Puts an entry last, and evicts the first one if the map exceeds `maxSize`. */
function putNewest<T>(map: Map<string, T>, key: string, value: T, maxSize: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxSize && oldest !== undefined) map.delete(oldest);
}
