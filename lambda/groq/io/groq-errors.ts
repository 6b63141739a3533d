import Groq, { type APIError } from 'groq-sdk';
import { isObject } from '../../kernel/json-object.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { classifyFailure, type FailureKind } from '../retry-step.ts';
import type { UpstreamResponse } from '../upstream.ts';

/** Error codes of connections that were never made, so Groq cannot have received the request. */
const CONNECT_ERROR_CODES = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
  ...[
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
]);

/** A failed attempt to send a call. */
export type CallFailure = {
  readonly kind: FailureKind;
  readonly response: Extract<UpstreamResponse, { kind: 'rejected' | 'lost' }>;
  /** Groq's status, if it responded. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** The code of the innermost error, for operators. Never a message, which may quote the request. */
  readonly cause: string;
};

/** Reads an error of groq-sdk. */
export function readFailure(error: unknown): CallFailure {
  const apiError = error instanceof Groq.APIError ? error : undefined;
  const status = apiError?.status;
  const kind = classifyFailure(status, isConnectFailure(error));
  const retryAfterMs = parseRetryAfterMs(apiError?.headers);
  return { kind, response: buildResponse(kind, apiError), status, retryAfterMs, cause: errorCode(error) };
}

function buildResponse(kind: FailureKind, error: APIError | undefined): CallFailure['response'] {
  if (kind === 'unknown') {
    const message =
      'The request was sent to Groq and its answer never came. It may have been billed, so its highest cost is counted; do not retry blindly.';
    return { kind: 'lost', refusal: refuse('groq_answer_lost', message) };
  }
  if (error?.status !== undefined)
    return { kind: 'rejected', refusal: refusalFromStatus(error.status, error.error, error.headers) };
  const message = 'Groq could not be reached. Nothing was billed; try again.';
  return { kind: 'rejected', refusal: refuse('groq_unavailable', message, { retryAfterMs: 1_000 }) };
}

/** Translates Groq's error for the client: errors about the request pass through, errors about keys and limits do not. */
function refusalFromStatus(status: number, body: unknown, headers: Headers | undefined): Refusal {
  const upstream = isObject(body) && isObject(body.error) ? body.error : {};
  const message = typeof upstream.message === 'string' ? upstream.message : `Groq answered ${status}.`;
  if (upstream.code === 'blocked_api_access') {
    return refuse(
      'groq_blocked',
      "Groq has blocked the organisation's access: its own spend limit is reached. Operators are alerted.",
    );
  }
  if (status === 401)
    return refuse(
      'groq_key_rejected',
      "Groq refuses the team's Groq key. Operators are alerted; this is not your key.",
    );
  if (status === 429) {
    const retryAfterMs = parseRetryAfterMs(headers) ?? 1_000;
    return refuse(
      'groq_rate_limited',
      `Groq's own rate limit for the organisation is reached. Try again in ${retryAfterMs / 1000} s.`,
      { retryAfterMs },
    );
  }
  if (status === 498)
    return refuse(
      'groq_unavailable',
      'Groq has no capacity for this service tier now. Nothing was billed; try again.',
      { retryAfterMs: parseRetryAfterMs(headers) ?? 1_000 },
    );
  if (status >= 400 && status < 498)
    return refuse('groq_rejected', message, { upstreamStatus: status, upstreamError: upstream });
  return refuse('groq_unavailable', `Groq answered ${status}. Nothing was billed; try again.`, {
    retryAfterMs: parseRetryAfterMs(headers) ?? 1_000,
  });
}

/** Groq's `retry-after` header in milliseconds, if it is a number of seconds. */
export function parseRetryAfterMs(headers: Headers | undefined): number | undefined {
  const text = headers?.get('retry-after');
  const seconds = text === null || text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function isConnectFailure(error: unknown): boolean {
  let cause: unknown = error;
  for (let depth = 0; depth < 6 && cause instanceof Error; depth++) {
    if ('code' in cause && typeof cause.code === 'string' && CONNECT_ERROR_CODES.has(cause.code)) return true;
    // A host with several addresses fails with one aggregate error.
    if (cause instanceof AggregateError && cause.errors.length > 0 && cause.errors.every(isConnectFailure)) return true;
    cause = cause.cause;
  }
  return false;
}

function errorCode(error: unknown): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (!(cause instanceof Error)) return '';
  return 'code' in cause ? String(cause.code) : cause.name;
}
