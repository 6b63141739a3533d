/** Options for serving a stale value while its store fails. */
export type StaleOptions = {
  /** The maximum age of the last good value, in milliseconds. */
  readonly maxAgeMs: number;
  /** The time for which the stale value is served before the next fetch, in milliseconds. */
  readonly retryMs: number;
  /** The time for which a failure is cached when there is no value to serve, in milliseconds. */
  readonly errorTtlMs: number;
  /** Called each time a stale value replaces a failed fetch. */
  readonly onStale: (error: unknown) => void;
};

/**
 * A cached value with a TTL. Concurrent callers share one fetch. A failed fetch is not cached, except with `stale`: then
 * the last good value is served, and the store is not fetched from at each call.
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

  /** Returns the value, at most `ttlMs` old. */
  async get(): Promise<T> {
    if (this.#value === undefined || this.#nowEpochMs() >= this.#untilEpochMs) this.refresh();
    return await (this.#value as Promise<T>);
  }

  /** Fetches the value again, whatever its age. */
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
