/** A value kept for a time; callers that come while it is fetched share that fetch, and a failed fetch is not kept. */
export class Cached<T> {
  readonly #keepMs: number;
  readonly #nowEpochMs: () => number;
  readonly #fetch: () => Promise<T>;
  #value: Promise<T> | undefined;
  #fetchedAtEpochMs = 0;

  constructor(keepMs: number, nowEpochMs: () => number, fetch: () => Promise<T>) {
    this.#keepMs = keepMs;
    this.#nowEpochMs = nowEpochMs;
    this.#fetch = fetch;
  }

  /** The value, at most `keepMs` old. */
  async get(): Promise<T> {
    if (this.#value === undefined || this.#nowEpochMs() - this.#fetchedAtEpochMs >= this.#keepMs) this.refresh();
    return await (this.#value as Promise<T>);
  }

  /** Fetches anew, whatever the age. */
  refresh(): void {
    const fetching = this.#fetch();
    this.#value = fetching;
    this.#fetchedAtEpochMs = this.#nowEpochMs();
    fetching.catch(() => {
      if (this.#value === fetching) this.#value = undefined;
    });
  }
}
