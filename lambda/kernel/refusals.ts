/**
 * Every expected "no", in order of precedence: when several apply, the first is returned. OpenAI-compatible clients map
 * statuses and types to their own exception classes. `retry: false` becomes `x-should-retry: false`, which openai and
 * groq-sdk obey. A budget refusal is a 402, because clients sleep and retry on a 429.
 */
export const REFUSALS = {
  unknown_url: { status: 404, type: 'invalid_request_error', code: 'unknown_url', retry: false },
  method_not_allowed: { status: 405, type: 'invalid_request_error', code: 'method_not_allowed', retry: false },
  invalid_api_key: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key', retry: false },
  forbidden: { status: 403, type: 'permission_error', code: 'forbidden', retry: false },
  unknown_team: { status: 403, type: 'permission_error', code: 'unknown_team', retry: false },
  body_too_large: { status: 413, type: 'invalid_request_error', code: 'request_too_large', retry: false },
  invalid_request: { status: 400, type: 'invalid_request_error', code: 'invalid_request', retry: false },
  key_too_wide: { status: 400, type: 'invalid_request_error', code: 'key_too_wide', retry: false },
  key_not_found: { status: 404, type: 'invalid_request_error', code: 'key_not_found', retry: false },
  idempotency_conflict: { status: 409, type: 'invalid_request_error', code: 'idempotency_conflict', retry: false },
  model_not_priced: { status: 403, type: 'permission_error', code: 'model_not_priced', retry: false },
  model_not_found: { status: 404, type: 'invalid_request_error', code: 'model_not_found', retry: false },
  model_not_allowed: { status: 403, type: 'permission_error', code: 'model_not_allowed', retry: false },
  model_decommissioned: { status: 404, type: 'invalid_request_error', code: 'model_decommissioned', retry: false },
  tool_not_priced: { status: 400, type: 'invalid_request_error', code: 'tool_not_priced', retry: false },
  max_tokens_exceeded: { status: 400, type: 'invalid_request_error', code: 'max_tokens_exceeded', retry: false },
  request_exceeds_tpm: { status: 413, type: 'tokens', code: 'rate_limit_exceeded', retry: false },
  groq_headroom_low: { status: 429, type: 'upstream', code: 'rate_limit_exceeded', retry: true },
  organization_paused: { status: 402, type: 'insufficient_quota', code: 'organization_paused', retry: false },
  team_paused: { status: 402, type: 'insufficient_quota', code: 'team_paused', retry: false },
  team_budget_exceeded: { status: 402, type: 'insufficient_quota', code: 'team_budget_exceeded', retry: false },
  key_budget_exceeded: { status: 402, type: 'insufficient_quota', code: 'key_budget_exceeded', retry: false },
  organization_budget_exceeded: {
    status: 402,
    type: 'insufficient_quota',
    code: 'organization_budget_exceeded',
    retry: false,
  },
  concurrency_exceeded: { status: 429, type: 'concurrency', code: 'rate_limit_exceeded', retry: true },
  requests_exceeded: { status: 429, type: 'requests', code: 'rate_limit_exceeded', retry: true },
  daily_requests_exceeded: { status: 429, type: 'requests', code: 'rate_limit_exceeded', retry: false },
  tokens_exceeded: { status: 429, type: 'tokens', code: 'rate_limit_exceeded', retry: true },
  groq_rejected: { status: 400, type: 'invalid_request_error', code: 'groq_rejected', retry: false },
  groq_rate_limited: { status: 429, type: 'upstream', code: 'rate_limit_exceeded', retry: true },
  groq_key_missing: { status: 503, type: 'service_unavailable', code: 'groq_key_missing', retry: false },
  groq_key_rejected: { status: 503, type: 'service_unavailable', code: 'groq_key_rejected', retry: false },
  groq_blocked: { status: 503, type: 'service_unavailable', code: 'groq_blocked', retry: false },
  groq_unavailable: { status: 503, type: 'service_unavailable', code: 'groq_unavailable', retry: true },
  groq_answer_lost: { status: 503, type: 'service_unavailable', code: 'groq_answer_lost', retry: false },
  gateway_unavailable: { status: 503, type: 'service_unavailable', code: 'gateway_unavailable', retry: true },
  internal_error: { status: 500, type: 'server_error', code: 'internal_error', retry: true },
} as const;

/** The longest wait after which a client may retry by itself, in milliseconds: groq-sdk obeys any `retry-after`. */
const MAX_CLIENT_RETRY_MS = 60_000;

/** The name of a refusal in {@link REFUSALS}. */
export type RefusalReason = keyof typeof REFUSALS;

/** An expected "no": a value, never an exception. */
export type Refusal = {
  readonly reason: RefusalReason;
  /** A sentence for the caller that names the limit and the remedy. */
  readonly message: string;
  /** The request field at fault. */
  readonly param?: string;
  /** The milliseconds after which the same request can succeed. */
  readonly retryAfterMs?: number;
  /** Groq's own status, when Groq refused the request. */
  readonly upstreamStatus?: number;
  /** Groq's own error object, passed on unchanged. */
  readonly upstreamError?: { readonly [field: string]: unknown };
};

/** The message for an unknown, revoked or expired key: one for all three, so that callers cannot distinguish them. */
export const INVALID_KEY_MESSAGE =
  'Invalid API key: it is missing, unknown, revoked or expired. Send Authorization: Bearer <team key>.';

/** The message for a key that was not looked up, because of a fault or of too many wrong keys from the same address. */
export const KEY_CHECK_FAILED_MESSAGE = 'The key could not be checked just now. Try again.';

/** Builds a refusal. */
export function refuse(
  reason: RefusalReason,
  message: string,
  more: Omit<Refusal, 'reason' | 'message'> = {},
): Refusal {
  return { reason, message, ...more };
}

/** Renders a refusal as an HTTP response, with the body of Groq's and OpenAI's errors. */
export function renderRefusal(refusal: Refusal): { status: number; headers: Record<string, string>; body: string } {
  const { status, type, code, retry } = REFUSALS[refusal.reason];
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (!retry || (refusal.retryAfterMs ?? 0) > MAX_CLIENT_RETRY_MS) headers['x-should-retry'] = 'false';
  if (refusal.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.ceil(refusal.retryAfterMs / 1000));
    headers['retry-after-ms'] = String(Math.ceil(refusal.retryAfterMs));
  }
  const own = { message: refusal.message, type, param: refusal.param ?? null, code };
  const body = JSON.stringify({ error: { ...own, ...refusal.upstreamError } });
  return { status: refusal.upstreamStatus ?? status, headers, body };
}
