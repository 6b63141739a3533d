/** The organisation's limits per model whose level Groq reports with each response: requests a day, tokens a minute. */
export type GroqLimit = 'requests' | 'tokens';

/** The level of a limit. `perWindow` is above 0, `remaining` from 0 to `perWindow`. */
export type RateLimitLevel = {
  readonly perWindow: number;
  readonly remaining: number;
  /** The time until all of it is free again; it refills evenly. */
  readonly resetAfterMs?: number;
};

/** The organisation's limits as one response of Groq reports them. */
export type RateLimitReading = { readonly [limit in GroqLimit]?: RateLimitLevel } & {
  /** A 429, and the limit that it names, if Groq reports that limit's level. */
  readonly refused?: { readonly retryAfterMs: number; readonly by: GroqLimit | undefined };
  /** True if Groq served the call. */
  readonly isServed?: boolean;
};

/** Receives the readings of Groq's limits. */
export interface RateLimitObserver {
  observe(model: string, reading: RateLimitReading, nowEpochMs: number): void;
}
