/** How long a wrong key is remembered, and how far back wrong keys are counted, in milliseconds. */
const WINDOW_MS = 60_000;
/** How many different wrong keys a source may present in a minute before keys of it that are new here are not looked up. */
export const MAX_INVALID_KEYS = 100;
/** Bounds of what is remembered; the oldest goes first. */
const MAX_TRACKED_KEYS = 10_000;
const MAX_TRACKED_SOURCES = 1_000;

/**
 * What one process remembers of the keys presented to it, by their hashes: so that a service that goes on with a wrong
 * key costs no reads, and a source that tries many is held back. A shared memory would cost a write for each attempt.
 */
export class InvalidKeyTracker {
  readonly #wrong = new Map<string, number>();
  readonly #good = new Map<string, number>();
  /** When each source presented the newest wrong keys, at most as many as it may. */
  readonly #bySource = new Map<string, number[]>();

  /** Whether a key was found wrong within the last minute; what is made later has another hash. */
  isKnownInvalid(hash: string, nowEpochMs: number): boolean {
    return nowEpochMs - (this.#wrong.get(hash) ?? Number.NEGATIVE_INFINITY) < WINDOW_MS;
  }

  /** Whether keys of a source that are new to this process are not to be looked up now. */
  isThrottled(source: string, hash: string, nowEpochMs: number): boolean {
    return !this.#good.has(hash) && this.isOverLimit(source, nowEpochMs);
  }

  /** Whether a source has presented more wrong keys in a minute than it may: then no refusal tells what a key is. */
  isOverLimit(source: string, nowEpochMs: number): boolean {
    const times = this.#bySource.get(source) ?? [];
    return times.length >= MAX_INVALID_KEYS && nowEpochMs - (times[0] ?? 0) < WINDOW_MS;
  }

  recordValid(hash: string, nowEpochMs: number): void {
    put(this.#good, hash, nowEpochMs, MAX_TRACKED_KEYS);
  }

  recordInvalid(hash: string, source: string, nowEpochMs: number): void {
    this.#good.delete(hash);
    put(this.#wrong, hash, nowEpochMs, MAX_TRACKED_KEYS);
    const times = [...(this.#bySource.get(source) ?? []), nowEpochMs].slice(-MAX_INVALID_KEYS);
    put(this.#bySource, source, times, MAX_TRACKED_SOURCES);
  }
}

/** Puts an entry last, and lets go of the first when there are too many. */
function put<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
