import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import { MAX_BODY_BYTES } from '../../lambda/contract.ts';
import { isPublicPath, serverForPath } from '../../lambda/http/api-resources.ts';
import { type Refusal, refuse, renderRefusal } from '../../lambda/kernel/refusals.ts';
import { toProxyEvent } from './api-gateway-event.ts';
import { type AuthorizerContext, type AuthorizerFunction, CachingAuthorizer } from './caching-authorizer.ts';
import type { FileServer } from './dashboard-files.ts';
import { lambdaContext, ResponseStream, type StreamingHandler } from './lambda-runtime.ts';
import { readBody } from './request-body.ts';

/** The functions behind the host. */
export type HostedFunctions = {
  readonly authorizer: AuthorizerFunction;
  readonly gateway: StreamingHandler<APIGatewayProxyEvent>;
  /** @default none: the gateway function gets every request, and refuses administrative paths as unknown */
  readonly admin?: (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;
  /** Serves the local dashboard. @default none */
  readonly files?: FileServer;
};

/** A running host. */
export type Host = {
  readonly baseUrl: string;
  /** Stops accepting requests, and waits until those in flight are answered and settled. */
  close(): Promise<void>;
};

/** Timeouts of the functions, equal to the deployed ones. */
const GATEWAY_TIMEOUT_MS = 300_000;
const ADMIN_TIMEOUT_MS = 25_000;
/** Longer than clients keep idle connections, so that the host never closes one just as a request arrives. */
const KEEP_ALIVE_MS = 75_000;
/** Limit for a client that stops reading a response, so that it cannot keep the host from stopping. */
const SOCKET_TIMEOUT_MS = GATEWAY_TIMEOUT_MS + 30_000;

/** Serves the functions over HTTP on 127.0.0.1 the way API Gateway does: cached authorizer first, then the function. */
export async function startHost(functions: HostedFunctions, port: number): Promise<Host> {
  const inFlight = new Set<Promise<void>>();
  const authorizer = new CachingAuthorizer(functions.authorizer);
  const server = createServer((request, response) => {
    const served = serve(functions, authorizer, request, response).catch(() =>
      sendRefusal(response, randomUUID(), refuse('internal_error', 'The local host failed.')),
    );
    inFlight.add(served);
    served.finally(() => inFlight.delete(served));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.timeout = SOCKET_TIMEOUT_MS;
  server.on('clientError', (_error, socket) => refuseInvalidHttp(socket));
  await listen(server, port);
  const address = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      while (inFlight.size > 0) await Promise.allSettled([...inFlight]);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function serve(
  functions: HostedFunctions,
  authorizer: CachingAuthorizer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const body = await readBody(request);
  if (body === undefined) return;
  if (body === 'too large') {
    response.setHeader('connection', 'close');
    return sendRefusal(response, requestId, refuse('body_too_large', `The body is over ${MAX_BODY_BYTES} bytes.`));
  }
  if (functions.files !== undefined && (await functions.files(request, response))) return;
  const path = request.url?.split('?')[0] ?? '/';
  let context: AuthorizerContext = {};
  if (!isPublicPath(path)) {
    const result = await authorizer.authorize(request, requestId);
    if ('reason' in result) return sendRefusal(response, requestId, result);
    context = result.context;
  }
  const event = toProxyEvent(request, requestId, body, context);
  if (functions.admin !== undefined && serverForPath(path) === 'admin') {
    const result = await functions.admin(event, lambdaContext('admin', requestId, ADMIN_TIMEOUT_MS));
    response
      .writeHead(result.statusCode, result.headers as Record<string, string>)
      .end(request.method === 'HEAD' ? undefined : result.body);
    return;
  }
  await functions.gateway(event, new ResponseStream(response), lambdaContext('gateway', requestId, GATEWAY_TIMEOUT_MS));
}

function sendRefusal(response: ServerResponse, requestId: string, refusal: Refusal): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = renderRefusal(refusal);
  response
    .writeHead(status, { ...headers, 'x-request-id': requestId, 'content-length': Buffer.byteLength(body) })
    .end(body);
}

function refuseInvalidHttp(socket: Duplex): void {
  if (!socket.writable) return;
  const { body } = renderRefusal(refuse('invalid_request', 'The request is not valid HTTP.'));
  const headers = [
    'HTTP/1.1 400 Bad Request',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`);
}
