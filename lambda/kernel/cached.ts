/** How a value outlives a store that does not answer. */
export type StaleOptions = {
  /** How old the last good value may become, in milliseconds. */
  readonly maxAgeMs: number;
  /** How long it is taken before the store is asked again, in milliseconds. */
  readonly retryMs: number;
  /** How long a failure is told to all that ask, where there is no such value, in milliseconds. */
  readonly errorTtlMs: number;
  /** Told each time that it is taken in place of a fresh one. */
  readonly onStale: (error: unknown) => void;
};

/**
 * A value kept for a time; callers that come while it is fetched share that fetch. A failed fetch is not kept; with `stale`,
 * the last good value stands in, and the store is not asked at each call.
 */
export class Cached<T> {
  readonly #ttlMs: number;
  readonly #nowEpochMs: () => number;
  readonly #fetch: () => Promise<T>;
  readonly #stale: StaleOptions | undefined;
  #value: Promise<T> | undefined;
  #untilEpochMs = 0;
  #good: { readonly value: T; readonly atEpochMs: number } | undefined;

  constructor(ttlMs: number, nowEpochMs: () => number, fetch: () => Promise<T>, stale?: StaleOptions) {
    this.#ttlMs = ttlMs;
    this.#nowEpochMs = nowEpochMs;
    this.#fetch = fetch;
    this.#stale = stale;
  }

  /** The value, at most `ttlMs` old. */
  async get(): Promise<T> {
    if (this.#value === undefined || this.#nowEpochMs() >= this.#untilEpochMs) this.refresh();
    return await (this.#value as Promise<T>);
  }

  /** Fetches anew, whatever the age. */
  refresh(): void {
    const startEpochMs = this.#nowEpochMs();
    const fetching: Promise<T> = this.#fetch().then(
      (value) => {
        this.#good = { value, atEpochMs: startEpochMs };
        return value;
      },
      (error: unknown) => this.#lastGoodValue(error),
    );
    this.#value = fetching;
    this.#untilEpochMs = startEpochMs + this.#ttlMs;
    fetching.catch(() => {
      if (this.#value !== fetching) return;
      if (this.#stale === undefined) this.#value = undefined;
      else this.#untilEpochMs = this.#nowEpochMs() + this.#stale.errorTtlMs;
    });
  }

  #lastGoodValue(error: unknown): T {
    const nowEpochMs = this.#nowEpochMs();
    const [stale, good] = [this.#stale, this.#good];
    if (stale === undefined || good === undefined || nowEpochMs - good.atEpochMs >= stale.maxAgeMs) throw error;
    stale.onStale(error);
    this.#untilEpochMs = nowEpochMs + stale.retryMs;
    return good.value;
  }
}
