/** The outcome of one attempt to send a call to Groq. */
export type SendOutcomeKind =
  | 'accepted'
  /** Groq refused the Groq key. */
  | 'key_refused'
  /** Groq refused the call for now: its rate limit, no capacity, or unavailable. */
  | 'busy'
  /** Groq refused the call with any other error. */
  | 'refused'
  /** No connection was made, so Groq never received the call. */
  | 'not_sent'
  /** Groq may have received the call, and no response came. */
  | 'unknown';

/** The kinds of attempts that failed. */
export type FailureKind = Exclude<SendOutcomeKind, 'accepted'>;

const KIND_BY_STATUS: ReadonlyMap<number, FailureKind> = new Map([
  [401, 'key_refused'],
  [429, 'busy'],
  [498, 'busy'],
  [503, 'busy'],
]);

/** Classifies a failed attempt by Groq's status, or without one by its connection. */
export function classifyFailure(status: number | undefined, isConnectFailure: boolean): FailureKind {
  if (status === undefined) return isConnectFailure ? 'not_sent' : 'unknown';
  return KIND_BY_STATUS.get(status) ?? 'refused';
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
