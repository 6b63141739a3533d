/** Interval between refreshes of a visible page, and maximum delay after failures. */
export const POLL_INTERVAL_MS = 2_000;
const MAX_POLL_INTERVAL_MS = 30_000;

/** Exponential backoff after a number of consecutive failures. */
export function backoffMs(failures: number): number {
  return Math.min(POLL_INTERVAL_MS * 2 ** failures, MAX_POLL_INTERVAL_MS);
}

/** Refreshes the page while it is visible and not paused, with exponential backoff after failures. */
export class Poller {
  readonly #refresh: (signal: AbortSignal) => Promise<boolean>;
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;
  #isPaused = false;
  #failures = 0;

  /** `refresh` returns true on success. */
  constructor(refresh: (signal: AbortSignal) => Promise<boolean>) {
    this.#refresh = refresh;
    document.addEventListener('visibilitychange', () => this.#pollNow());
  }

  /** Delay until the next refresh. */
  get nextPollInMs(): number {
    return backoffMs(this.#failures);
  }

  start(): void {
    this.#running = new AbortController();
    this.#failures = 0;
    this.#isPaused = false;
    this.#pollNow();
  }

  /** Stops polling and aborts requests in flight. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    clearTimeout(this.#timer);
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) clearTimeout(this.#timer);
    else this.#pollNow();
  }

  #pollNow(): void {
    clearTimeout(this.#timer);
    if (this.#running === undefined || this.#isPaused || this.#isPolling || document.hidden) return;
    void this.#run(this.#running);
  }

  async #run(running: AbortController): Promise<void> {
    this.#isPolling = true;
    // Counted as a failure in advance, so that the refresh itself can show the delay until the next one.
    this.#failures++;
    try {
      if (await this.#refresh(running.signal)) this.#failures = 0;
    } finally {
      this.#isPolling = false;
      if (this.#running === running) this.#timer = setTimeout(() => this.#pollNow(), this.nextPollInMs);
      else this.#pollNow();
    }
  }
}
