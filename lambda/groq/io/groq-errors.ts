import Groq from 'groq-sdk';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { type GroqError, parseGroqError } from '../groq-error.ts';
import { classifyFailure, type FailureKind } from '../retry-step.ts';
import type { UpstreamResponse } from '../upstream.ts';
import { FailedResponse } from './upstream-fetch.ts';

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

const NOT_BILLED = 'Nothing was billed; try again.';
const MAY_BE_BILLED = 'It may have been billed, so its highest cost is counted; do not retry blindly.';

/** Reads the error of an attempt, of which `wasSent` says whether any byte was written to a connection. */
export function readFailure(error: unknown, wasSent: boolean): CallFailure {
  const answer = error instanceof FailedResponse ? error : undefined;
  const status = answer?.status;
  const groqError = answer === undefined ? undefined : parseGroqError(answer.text, answer.status);
  const kind = classifyFailure({ status, error: groqError, wasSent });
  const retryAfterMs = parseRetryAfterMs(answer?.headers);
  const response =
    kind === 'unknown' ? buildLost(status, groqError) : buildRejected({ status, error: groqError, retryAfterMs });
  return { kind, response, status, retryAfterMs, cause: errorCode(error, groqError) };
}

/** The response to a call that may be billed. What the model wrote reaches the client, which may repair it. */
function buildLost(status: number | undefined, error: GroqError | undefined): CallFailure['response'] {
  if (status === undefined) {
    const message = `The request was sent to Groq and its answer never came, or could not be read. ${MAY_BE_BILLED}`;
    return { kind: 'lost', refusal: refuse('groq_answer_lost', message) };
  }
  if (error?.hasOutput === true && isAboutRequest(status)) {
    const { fields } = error;
    return { kind: 'lost', refusal: refuse('groq_rejected', fields.message, buildUpstreamFacts(status, fields)) };
  }
  const said = error === undefined ? "without an error of Groq's own" : `"${error.fields.message}"`;
  const message = `The request was sent to Groq, and the answer was ${status} ${said}. ${MAY_BE_BILLED}`;
  const written = error?.fields.failed_generation;
  const more = written === undefined ? {} : { upstreamError: { failed_generation: written } };
  return { kind: 'lost', refusal: refuse('groq_answer_lost', message, more) };
}

/** The response to a call that costs nothing. Groq's errors about the request pass through, others do not. */
function buildRejected(failure: {
  readonly status: number | undefined;
  readonly error: GroqError | undefined;
  readonly retryAfterMs: number | undefined;
}): CallFailure['response'] {
  return { kind: 'rejected', refusal: toRefusal(failure) };
}

function toRefusal({
  status,
  error,
  retryAfterMs = 1_000,
}: {
  readonly status: number | undefined;
  readonly error: GroqError | undefined;
  readonly retryAfterMs?: number | undefined;
}): Refusal {
  if (status === undefined || error === undefined)
    return refuse('groq_unavailable', `Groq could not be reached. ${NOT_BILLED}`, { retryAfterMs });
  if (error.isBlocked)
    return refuse(
      'groq_blocked',
      "Groq has blocked the organisation's access: its own spend limit is reached. Operators are alerted.",
    );
  if (status === 401)
    return refuse(
      'groq_key_rejected',
      "Groq refuses the team's Groq key. Operators are alerted; this is not your key.",
    );
  if (status === 429)
    return refuse(
      'groq_rate_limited',
      `Groq's own rate limit for the organisation is reached. Try again in ${retryAfterMs / 1000} s.`,
      { retryAfterMs },
    );
  if (status === 498)
    return refuse('groq_unavailable', `Groq has no capacity for this service tier now. ${NOT_BILLED}`, {
      retryAfterMs,
    });
  if (isAboutRequest(status))
    return refuse('groq_rejected', error.fields.message, buildUpstreamFacts(status, error.fields));
  return refuse('groq_unavailable', `Groq answered ${status}. ${NOT_BILLED}`, { retryAfterMs });
}

/** True for the statuses that reach the client as Groq's own: they are about its request. */
function isAboutRequest(status: number): boolean {
  return status >= 400 && status < 498 && status !== 401 && status !== 429;
}

function buildUpstreamFacts(status: number, fields: GroqError['fields']): Partial<Refusal> {
  return { upstreamStatus: status, upstreamError: fields };
}

/** Groq's `retry-after` header in milliseconds, if it is a number of seconds. */
export function parseRetryAfterMs(headers: Headers | undefined): number | undefined {
  const text = headers?.get('retry-after');
  const seconds = text === null || text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function errorCode(error: unknown, groqError: GroqError | undefined): string {
  if (error instanceof FailedResponse) {
    if (groqError === undefined) return 'NOT_GROQS_ERROR';
    return groqError.hasOutput ? 'ERROR_WITH_OUTPUT' : `HTTP_${error.status}`;
  }
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (cause instanceof Groq.APIConnectionTimeoutError) return 'TIMEOUT';
  if (!(cause instanceof Error)) return '';
  return 'code' in cause ? String(cause.code) : cause.name;
}
