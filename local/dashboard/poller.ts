/** How often the page looks while somebody sees it, and how long it waits at most after failures, in milliseconds. */
export const POLL_INTERVAL_MS = 2_000;
const MAX_POLL_INTERVAL_MS = 30_000;

/** How long to wait before the next look, after so many failures in a row. */
export function backoffMs(failures: number): number {
  return Math.min(POLL_INTERVAL_MS * 2 ** failures, MAX_POLL_INTERVAL_MS);
}

/** Looks again and again while the page is visible and not paused; what fails is tried ever more rarely. */
export class Poller {
  readonly #look: (signal: AbortSignal) => Promise<boolean>;
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isPolling = false;
  #isPaused = false;
  #failures = 0;

  /** `look` says whether it went well. */
  constructor(look: (signal: AbortSignal) => Promise<boolean>) {
    this.#look = look;
    document.addEventListener('visibilitychange', () => this.#pollNow());
  }

  /** How long until the next look, after the failures there were. */
  get nextPollInMs(): number {
    return backoffMs(this.#failures);
  }

  start(): void {
    this.#running = new AbortController();
    this.#failures = 0;
    this.#isPaused = false;
    this.#pollNow();
  }

  /** Breaks off what is being asked, too. */
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
    // Counted before the look's own words, so that these can say when the next one is.
    this.#failures++;
    try {
      if (await this.#look(running.signal)) this.#failures = 0;
    } finally {
      this.#isPolling = false;
      if (this.#running === running) this.#timer = setTimeout(() => this.#pollNow(), this.nextPollInMs);
      else this.#pollNow();
    }
  }
}
