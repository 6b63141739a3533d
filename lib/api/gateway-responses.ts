import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import {
  INVALID_KEY_MESSAGE,
  KEY_CHECK_FAILED_MESSAGE,
  type Refusal,
  refuse,
  renderRefusal,
} from '../../lambda/kernel/refusals.ts';

/** Variable of a response template that API Gateway replaces with its error message, as JSON text. */
const MESSAGE_VARIABLE = '$context.error.messageString';
const PLACEHOLDER = '__message__';

/** A response that API Gateway gives by itself, and the refusal that clients get in its place. */
type ApiGatewayResponse = { readonly type: ResponseType; readonly refusal: Refusal };

/** Every response that API Gateway gives without invoking the gateway, in the order of its documentation. */
const API_GATEWAY_RESPONSES: readonly ApiGatewayResponse[] = [
  { type: ResponseType.UNAUTHORIZED, refusal: refuse('invalid_api_key', INVALID_KEY_MESSAGE) },
  { type: ResponseType.ACCESS_DENIED, refusal: refuse('forbidden', PLACEHOLDER) },
  {
    type: ResponseType.AUTHORIZER_FAILURE,
    refusal: refuse('gateway_unavailable', KEY_CHECK_FAILED_MESSAGE, { retryAfterMs: 1_000 }),
  },
  { type: ResponseType.AUTHORIZER_CONFIGURATION_ERROR, refusal: refuse('internal_error', PLACEHOLDER) },
  {
    type: ResponseType.INVALID_API_KEY,
    refusal: refuse('unknown_team', "This key's team has no usage plan in this environment. Ask an administrator."),
  },
  // API Gateway reports an unknown path or method as a missing token.
  {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    refusal: refuse('unknown_url', 'Unknown request URL. This gateway serves /openai/v1/* and GET /healthz.'),
  },
  { type: ResponseType.RESOURCE_NOT_FOUND, refusal: refuse('unknown_url', 'Unknown request URL.') },
  { type: ResponseType.BAD_REQUEST_BODY, refusal: refuse('invalid_request', PLACEHOLDER) },
  { type: ResponseType.BAD_REQUEST_PARAMETERS, refusal: refuse('invalid_request', PLACEHOLDER) },
  { type: ResponseType.UNSUPPORTED_MEDIA_TYPE, refusal: refuse('invalid_request', PLACEHOLDER) },
  { type: ResponseType.REQUEST_TOO_LARGE, refusal: refuse('body_too_large', 'The body is over 10 MB.') },
  {
    type: ResponseType.THROTTLED,
    refusal: refuse('requests_exceeded', 'Too many requests at once for this team. Try again in 1 s.', {
      retryAfterMs: 1_000,
    }),
  },
  {
    type: ResponseType.QUOTA_EXCEEDED,
    refusal: refuse(
      'daily_requests_exceeded',
      "This team's requests of the day are used up; they renew at midnight UTC.",
    ),
  },
  { type: ResponseType.WAF_FILTERED, refusal: refuse('forbidden', 'The request was blocked by the web ACL.') },
  // The call may have reached Groq, so the client must not retry by itself.
  {
    type: ResponseType.INTEGRATION_TIMEOUT,
    refusal: refuse('groq_answer_lost', 'The gateway did not answer in time; the call may have been made and billed.'),
  },
  {
    type: ResponseType.INTEGRATION_FAILURE,
    refusal: refuse('gateway_unavailable', 'The gateway could not be reached. Try again.', { retryAfterMs: 1_000 }),
  },
  { type: ResponseType.API_CONFIGURATION_ERROR, refusal: refuse('internal_error', PLACEHOLDER) },
  { type: ResponseType.EXPIRED_TOKEN, refusal: refuse('invalid_api_key', INVALID_KEY_MESSAGE) },
  { type: ResponseType.INVALID_SIGNATURE, refusal: refuse('invalid_api_key', INVALID_KEY_MESSAGE) },
  { type: ResponseType.DEFAULT_4XX, refusal: refuse('invalid_request', PLACEHOLDER) },
  { type: ResponseType.DEFAULT_5XX, refusal: refuse('internal_error', PLACEHOLDER) },
];

/** Gives API Gateway's own responses the body and headers of the gateway's refusals. */
export function addGatewayResponses(api: RestApi): void {
  for (const { type, refusal } of API_GATEWAY_RESPONSES) {
    const { status, headers, body } = renderRefusal(refusal);
    const { 'content-type': contentType = 'application/json', ...otherHeaders } = headers;
    // The two defaults cover several statuses, and each response keeps its own.
    const isDefault = type === ResponseType.DEFAULT_4XX || type === ResponseType.DEFAULT_5XX;
    api.addGatewayResponse(type.responseType, {
      type,
      ...(isDefault ? {} : { statusCode: String(status) }),
      responseHeaders: {
        'x-request-id': 'context.requestId',
        ...Object.fromEntries(Object.entries(otherHeaders).map(([name, value]) => [name, `'${value}'`])),
      },
      templates: { [contentType]: body.replace(`"${PLACEHOLDER}"`, MESSAGE_VARIABLE) },
    });
  }
}
