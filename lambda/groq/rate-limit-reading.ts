/** Groq's limits of the organisation whose level each answer tells: requests a day, tokens a minute; of one model. */
export type GroqLimit = 'requests' | 'tokens';

/** A limit as Groq tells it. `perWindow` is above 0, and `remaining` from 0 to `perWindow`. */
export type RateLimitLevel = {
  readonly perWindow: number;
  readonly remaining: number;
  /** Milliseconds until all of it is free again; refilled evenly. */
  readonly resetAfterMs?: number;
};

/** What one answer of Groq's tells of the organisation's limits. */
export type RateLimitReading = { readonly [limit in GroqLimit]?: RateLimitLevel } & {
  /** A 429: when to come back, and the limit it names, where that is one whose level is told. */
  readonly refused?: { readonly retryAfterMs: number; readonly by: GroqLimit | undefined };
  /** Whether Groq took the call. */
  readonly isServed?: boolean;
};

/** Who is told of Groq's limits. */
export interface RateLimitObserver {
  observe(model: string, reading: RateLimitReading, nowEpochMs: number): void;
}
