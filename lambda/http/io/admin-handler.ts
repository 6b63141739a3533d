import middy, { type Request } from '@middy/core';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Endpoint } from '../../access/key-scope.ts';
import type { Log } from '../../kernel/clock.ts';
import { logFault } from '../../kernel/fault.ts';
import { refuse, renderRefusal } from '../../kernel/refusals.ts';
import type { AdminPorts } from '../admin-ports.ts';
import type { AdminResponse } from '../admin-response.ts';
import { handleAdmin } from '../admin-routes.ts';
import { checkEndpointScope, findHeader, readBearerToken, readBody, readIdentity } from './gateway-event.ts';

/** What the administration function needs: its ports as they stand at each request, and where it reports. */
export type AdminHandlerPorts = { readonly loadPorts: () => Promise<AdminPorts>; readonly log: Log };

/** Makes the function behind `/openai/v1/api-keys` and `/openai/v1/audit`: the one that may write keys. */
export function createAdminHandler({ loadPorts, log }: AdminHandlerPorts) {
  return middy<APIGatewayProxyEvent, APIGatewayProxyResult>({ timeoutEarlyInMillis: 0 })
    .use({ onError: (request: Request) => handleFault(log, request) })
    .handler(async (event) => toProxyResult(await answer(loadPorts, event), event.requestContext.requestId));
}

async function answer(loadPorts: AdminHandlerPorts['loadPorts'], event: APIGatewayProxyEvent): Promise<AdminResponse> {
  const identity = readIdentity(event);
  const isAboutItself = event.httpMethod === 'GET' && event.path === '/openai/v1/api-keys/me';
  const closed = isAboutItself ? undefined : checkEndpointScope(identity, endpointFor(event.path));
  if (closed !== undefined) return renderRefusal(closed);
  const bodyText = readBody(event);
  if (typeof bodyText !== 'string') return renderRefusal(bodyText);
  const { requestContext } = event;
  const idempotencyKey = findHeader(event.headers, 'idempotency-key');
  return await handleAdmin(await loadPorts(), {
    method: event.httpMethod,
    path: event.path,
    // A parameter given twice counts once, by its last value, as API Gateway's own short form has it.
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
    idempotency:
      idempotencyKey === undefined ? undefined : { idempotencyKey, presentedKey: readBearerToken(event.headers) },
  });
}

function endpointFor(path: string): Endpoint {
  return path.startsWith('/openai/v1/audit') ? 'audit' : 'keys';
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
