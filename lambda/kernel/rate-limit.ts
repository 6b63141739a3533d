/** The time in which a rate limit's whole allowance refills, in microseconds. Limits are per minute. */
export const RATE_WINDOW_US = 60_000_000;

/** Converts units to their share of a per-minute allowance, in microseconds, rounded up; 0 without a limit. */
export function rateCostUs(units: number, perMinute: number | null): number {
  return perMinute === null ? 0 : Math.ceil((units * RATE_WINDOW_US) / perMinute);
}

/**
 * Takes from a token bucket that is stored as its theoretical arrival time (GCRA), the time at which the bucket is full
 * again. Returns the new time, or the wait until the bucket holds enough.
 */
export function takeFromBucket(
  tatUs: number,
  nowUs: number,
  costUs: number,
): { tatUs: number } | { retryAfterUs: number } {
  const next = Math.max(tatUs, nowUs) + costUs;
  const beyondUs = next - nowUs - RATE_WINDOW_US;
  return costUs > 0 && beyondUs > 0 ? { retryAfterUs: beyondUs } : { tatUs: next };
}

/** Returns the units that a bucket still holds, and the milliseconds until it is full. */
export function bucketLevel(
  tatUs: number,
  nowUs: number,
  perMinute: number,
): { remaining: number; resetAfterMs: number } {
  const usedUs = Math.min(RATE_WINDOW_US, Math.max(0, tatUs - nowUs));
  return {
    remaining: Math.floor(((RATE_WINDOW_US - usedUs) * perMinute) / RATE_WINDOW_US),
    resetAfterMs: Math.ceil(usedUs / 1000),
  };
}
