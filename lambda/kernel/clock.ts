/** Time, as an argument. */
export interface Clock {
  nowEpochMs(): number;
  /** Milliseconds with fractions since some fixed moment, for durations. */
  monotonicMs(): number;
  sleep(ms: number): Promise<void>;
  /** A number from 0 to 1, for jitter. */
  random(): number;
}

/** What a use-case reports to operators; never a prompt, a completion or a key. */
export type Log = (event: string, facts: { readonly [fact: string]: string | number | boolean }) => void;
