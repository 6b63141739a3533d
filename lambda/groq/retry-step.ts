import type { GroqError } from './groq-error.ts';

/** The outcome of one attempt to send a call to Groq. */
export type SendOutcomeKind =
  | 'accepted'
  /** Groq refused the Groq key. */
  | 'key_refused'
  /** Groq refused the call for now: its rate limit, no capacity, or unavailable. */
  | 'busy'
  /** Groq refused the call with any other error. */
  | 'refused'
  /** No byte of the call was written to a connection, so Groq never received it. */
  | 'not_sent'
  /** Groq may have done the work: no response of its own came, or one that shows output of the model. */
  | 'unknown';

/** The kinds of attempts that failed. */
export type FailureKind = Exclude<SendOutcomeKind, 'accepted'>;

const KIND_BY_STATUS: ReadonlyMap<number, FailureKind> = new Map([
  [401, 'key_refused'],
  [429, 'busy'],
  [498, 'busy'],
  [503, 'busy'],
]);

/**
 * Statuses of a request that was given up while it ran: 408, and 499 "request cancelled". Groq promises only its 5xx to be
 * free (console.groq.com/docs/errors, read 2026-11-30), and no source says whether the work until then is billed.
 */
const GIVEN_UP_STATUSES: ReadonlySet<number> = new Set([408, 499]);

/** A failed attempt: Groq's status and error, if it answered, and whether any byte of the request was written. */
export type FailedAttempt = {
  readonly status: number | undefined;
  readonly error: GroqError | undefined;
  readonly wasSent: boolean;
};

/**
 * Classifies a failed attempt. Only an error that Groq itself wrote, and that shows no output of the model, is free: a
 * proxy or an edge on the way answers 502, 504 or 3xx in its own words after Groq may have done the work.
 */
export function classifyFailure({ status, error, wasSent }: FailedAttempt): FailureKind {
  if (status === undefined) return wasSent ? 'unknown' : 'not_sent';
  if (status < 400 || error === undefined || error.hasOutput || GIVEN_UP_STATUSES.has(status)) return 'unknown';
  return error.isBlocked ? 'refused' : (KIND_BY_STATUS.get(status) ?? 'refused');
}

/** True if Groq accepted the key of an attempt, or may have. */
export function isKeyAccepted(kind: SendOutcomeKind): boolean {
  return kind !== 'key_refused' && kind !== 'not_sent';
}

/** The maximum number of times a call is sent, not counting attempts with a refused key. */
const MAX_SENDS = 4;
/** The first backoff, in milliseconds. It doubles with each retry, and jitter takes off up to half. */
const INITIAL_BACKOFF_MS = 250;
/** The maximum total of a call's waits, in milliseconds: clients time out after 60 s, and waiting costs Lambda time. */
const MAX_TOTAL_WAIT_MS = 10_000;

/** The attempts and waits of a call so far, and the time until its deadline at the last attempt. */
export type RetryProgress = { readonly sends: number; readonly waitedMs: number; readonly leftMs: number };

/** The step after a failed attempt. */
export type RetryStep =
  | { readonly kind: 'fail' }
  | { readonly kind: 'switch_key' }
  | { readonly kind: 'wait'; readonly ms: number };

/** Decides whether a failed call is sent again: with another key, after Groq's retry-after or a backoff, or not at all. */
export function nextStep(
  failure: { readonly kind: FailureKind; readonly retryAfterMs?: number | undefined },
  { sends, waitedMs, leftMs }: RetryProgress,
  /** From 0 to 1. */
  random: number,
): RetryStep {
  if (failure.kind === 'key_refused') return { kind: 'switch_key' };
  if (failure.kind !== 'busy' || sends >= MAX_SENDS) return { kind: 'fail' };
  const ms = failure.retryAfterMs ?? INITIAL_BACKOFF_MS * 2 ** (sends - 1) * (0.5 + random / 2);
  return waitedMs + ms > Math.min(MAX_TOTAL_WAIT_MS, leftMs) ? { kind: 'fail' } : { kind: 'wait', ms };
}
