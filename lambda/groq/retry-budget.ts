/** The retries that each call adds to the budget of its process. */
const RETRIES_PER_CALL = 0.2;
/** The most retries that are saved up: as many as three calls that use all of theirs. */
const MAX_SAVED_RETRIES = 10;

/**
 * The retries that a process may make: a fifth of its calls, and a few saved up. When Groq refuses every call, retries add a
 * fifth to the load instead of multiplying it by the tries of a call.
 */
export class RetryBudget {
  #retries = MAX_SAVED_RETRIES;

  recordCall(): void {
    this.#retries = Math.min(MAX_SAVED_RETRIES, this.#retries + RETRIES_PER_CALL);
  }

  /** Takes a retry; false if none is left. */
  take(): boolean {
    if (this.#retries < 1) return false;
    this.#retries--;
    return true;
  }
}
