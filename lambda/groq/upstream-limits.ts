import type { JsonObject } from '../kernel/json/json-object.ts';
import { toNumber } from '../kernel/json/lossless-json.ts';

/** The times that the gateway waits for Groq. A call that exceeds one is charged at its maximum cost. */
export type UpstreamLimits = {
  /** The time until the first byte of a stream, in milliseconds. A whole answer has the time to be written besides. */
  readonly firstByteMs: number;
  /** The time between two parts of an answer, in milliseconds. */
  readonly idleMs: number;
};

/**
 * Groq queues a call for seconds at most: past 30 s without a byte of a stream, a hang is likelier. 60 s between two parts
 * is the time after which groq-sdk gives up by default (its README, read 2026-11-30).
 */
export const DEFAULT_UPSTREAM_LIMITS: UpstreamLimits = { firstByteMs: 30_000, idleMs: 60_000 };

/**
 * The output of a slow model, in tokens per second: less than the slowest model that Groq lists
 * (console.groq.com/docs/models, read 2026-11-30), since load slows all of them.
 */
const SLOW_TOKENS_PER_S = 250;

/** The time until the first byte of a call's answer: a whole answer starts only once the model has written all of it. */
export function firstByteLimitMs(body: JsonObject, { firstByteMs }: UpstreamLimits): number {
  if (body.stream === true) return firstByteMs;
  const maxOutputTokens = toNumber(body.max_completion_tokens) ?? toNumber(body.max_tokens) ?? 0;
  return firstByteMs + Math.ceil((maxOutputTokens * 1_000) / SLOW_TOKENS_PER_S);
}
