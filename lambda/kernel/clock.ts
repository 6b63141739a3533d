/** A source of time and randomness, passed as an argument so that pure code stays pure. */
export interface Clock {
  nowEpochMs(): number;
  /** Milliseconds with fractions since some fixed moment, for durations. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** A number from 0 to 1, for jitter. */
  random(): number;
}

/** Writes one event to the log; its facts never contain a prompt, a completion or a key. */
export type Log = (event: string, facts: { readonly [fact: string]: string | number | boolean }) => void;
