import { type ErrorResponse, INVALID_KEY } from './error-responses.ts';

const KINDS = [
  ...(['400', '401', '429', '498', '500', '503', 'blocked', 'slow', 'hang', 'reset', 'cut', 'error-chunk'] as const),
  ...(['no-usage', 'no-done', 'wrong-usage', 'zero-usage'] as const),
];

/** A failure on request: by a header `x-fake-fault`, `[fault:…]` in a message, or `model#…`. */
export type Fault = {
  readonly kind: (typeof KINDS)[number];
  /** True if the fault occurs only the first time for the same text. */
  readonly once: boolean;
  /** Milliseconds of `slow`, or seconds of the `retry-after` of `429`. */
  readonly amount: number | undefined;
};

/** Parses a fault such as `429`, `429:7`, `503-once` or `slow:500`. */
export function parseFault(text: string | undefined): Fault | undefined {
  const [name = '', amount] = (text ?? '').split(':');
  const kind = KINDS.find((known) => known === name.replace(/-once$/, ''));
  if (kind === undefined) return undefined;
  return {
    kind,
    once: name.endsWith('-once'),
    amount: amount === undefined ? undefined : Number(amount),
  };
}

/** The error response of a fault, or undefined for a fault that occurs later in the response. */
export function toErrorResponse({ kind, amount }: Fault): ErrorResponse | undefined {
  switch (kind) {
    case '400':
      return { status: 400, error: { message: "'messages.0' : value must be valid", type: 'invalid_request_error' } };
    case '401':
      return INVALID_KEY;
    case '429': {
      const seconds = amount ?? 1;
      const message = `Rate limit reached for model in organization org_fake service tier on_demand on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in ${seconds}s.`;
      return {
        status: 429,
        error: { message, type: 'requests', code: 'rate_limit_exceeded' },
        headers: { 'retry-after': String(seconds) },
      };
    }
    case '498':
      return {
        status: 498,
        error: { message: 'Flex tier capacity exceeded', type: 'capacity_exceeded', code: 'capacity_exceeded' },
      };
    case '500':
      return { status: 500, error: { message: 'Internal Server Error', type: 'internal_server_error' } };
    case '503':
      return { status: 503, error: { message: 'Service Unavailable', type: 'internal_server_error' } };
    case 'blocked':
      return {
        status: 400,
        error: {
          message: 'API access is blocked: the spend limit of the organization has been reached',
          type: 'invalid_request_error',
          code: 'blocked_api_access',
        },
      };
    default:
      return undefined;
  }
}
