import middy, { type Request } from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Log } from '../../kernel/clock.ts';
import { logFault } from '../../kernel/fault.ts';
import { refuse, renderRefusal } from '../../kernel/refusals.ts';
import type { AdminPorts } from '../admin-ports.ts';
import type { AdminRequest, AdminResponse } from '../admin-response.ts';
import { handleAdmin } from '../admin-routes.ts';
import { checkEndpointScope } from '../caller-checks.ts';
import { matchRoute } from '../routing.ts';
import { findHeader, readBearerToken, readBody, readIdentity } from './gateway-event.ts';

/** Ports of the admin function; `loadPorts` reads the current policies and runs once per request. */
export type AdminHandlerPorts = { readonly loadPorts: () => Promise<AdminPorts>; readonly log: Log };

/** Creates the handler of the admin function, the only function that may write keys at run time. */
export function createAdminHandler({ loadPorts, log }: AdminHandlerPorts) {
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>({ timeoutEarlyInMillis: 0 })
    .use({ onError: (request: Request) => handleFault(log, request) })
    .handler(async (event) => toProxyResult(await respond(loadPorts, event), event.requestContext.requestId));
}

async function respond(loadPorts: AdminHandlerPorts['loadPorts'], event: APIGatewayProxyEvent): Promise<AdminResponse> {
  const match = matchRoute('admin', event.httpMethod, event.path);
  const refusal = 'refusal' in match ? undefined : checkEndpointScope(readIdentity(event), match.endpoint);
  if (refusal !== undefined) return renderRefusal(refusal);
  const bodyText = readBody(event);
  if (typeof bodyText !== 'string') return renderRefusal(bodyText);
  return await handleAdmin(await loadPorts(), toAdminRequest(event, bodyText));
}

function toAdminRequest(event: APIGatewayProxyEvent, bodyText: string): AdminRequest {
  const { httpMethod: method, path, headers, requestContext } = event;
  const identity = readIdentity(event);
  const idempotencyKey = findHeader(headers, 'idempotency-key');
  return {
    method,
    path,
    // Of a repeated parameter the last value counts, as in API Gateway's own single-value form.
    query: Object.fromEntries(
      Object.entries(event.multiValueQueryStringParameters ?? {}).map(([name, values]) => [name, values?.at(-1)]),
    ),
    bodyText,
    caller: {
      identity,
      actor: identity.keyId,
      source: requestContext.identity?.sourceIp ?? '',
      requestId: requestContext.requestId,
      isKey: true,
    },
    idempotency: idempotencyKey === undefined ? undefined : { idempotencyKey, presentedKey: readBearerToken(headers) },
  };
}

function toProxyResult({ status, headers, body }: AdminResponse, requestId: string): APIGatewayProxyResult {
  return { statusCode: status, headers: { ...headers, 'x-request-id': requestId }, body };
}

function handleFault(log: Log, request: Request): void {
  const { requestId } = (request.event as APIGatewayProxyEvent).requestContext;
  logFault(log, requestId, request.error);
  const refusal = refuse(
    'gateway_unavailable',
    `The gateway's own store did not answer. Look at the list of keys before you try again. Request id: ${requestId}.`,
    { retryAfterMs: 1_000 },
  );
  request.response = toProxyResult(renderRefusal(refusal), requestId);
}
