import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  APIGatewayAuthorizerResult,
  APIGatewayProxyEvent,
  APIGatewayProxyResult,
  APIGatewayRequestAuthorizerEvent,
  Context,
} from 'aws-lambda';
import { CACHE_MS, MAX_BODY_BYTES } from '../../lambda/contract.ts';
import {
  INVALID_KEY_MESSAGE,
  KEY_CHECK_FAILED_MESSAGE,
  type Refusal,
  refuse,
  renderRefusal,
} from '../../lambda/kernel/refusals.ts';
import { toProxyEvent } from './api-gateway-event.ts';
import type { FileServer } from './dashboard-files.ts';
import { lambdaContext, ResponseStream, type StreamingHandler } from './lambda-runtime.ts';

/** The functions behind the host. */
export type HostedFunctions = {
  readonly authorizer: (
    event: APIGatewayRequestAuthorizerEvent,
    context: Context,
  ) => Promise<APIGatewayAuthorizerResult>;
  readonly gateway: StreamingHandler<APIGatewayProxyEvent>;
  /** Behind the paths of {@link ADMIN_PATHS}. @default the gateway, which knows no such paths */
  readonly admin?: (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>;
  /** The local page. @default none */
  readonly files?: FileServer;
};

/** A running host. */
export type Host = {
  readonly baseUrl: string;
  /** Stops taking requests, and waits until those in flight are answered and settled. */
  close(): Promise<void>;
};

/** How long a function may run, in milliseconds: as deployed. */
const FUNCTION_TIMEOUT_MS = 300_000;
const ADMIN_TIMEOUT_MS = 25_000;
/** The paths that go to the function that administers keys, as deployed. */
export const ADMIN_PATHS = /^\/openai\/v1\/(api-keys(\/.*)?|audit|groq-keys)$/;
/** How many authorizer results are kept. */
const MAX_CACHED_KEYS = 10_000;
/** Longer than clients keep their connections, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;

type AuthorizerContext = Readonly<Record<string, string>>;

/** Serves the functions over HTTP on 127.0.0.1 as API Gateway does: authorizer with a 60 s cache, then the gateway. */
export async function startHost(functions: HostedFunctions, port: number): Promise<Host> {
  const inFlight = new Set<Promise<void>>();
  const authorized = new Map<string, { context: AuthorizerContext; untilMs: number }>();
  const server = createServer((request, response) => {
    const answered = serve(functions, authorized, request, response).catch(() =>
      respond(response, randomUUID(), refuse('internal_error', 'The local host failed.')),
    );
    inFlight.add(answered);
    answered.finally(() => inFlight.delete(answered));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // A client that stopped reading in the middle of an answer must not keep the host from stopping for ever.
  server.timeout = FUNCTION_TIMEOUT_MS + 30_000;
  server.on('clientError', (_error, socket) => {
    const { body } = renderRefusal(refuse('invalid_request', 'The request is not valid HTTP.'));
    if (socket.writable) {
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
  });
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
  authorized: Map<string, { context: AuthorizerContext; untilMs: number }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  const body = await readBody(request);
  if (body === undefined) return;
  if (body === 'too large') {
    response.setHeader('connection', 'close');
    return respond(response, requestId, refuse('body_too_large', `The body is over ${MAX_BODY_BYTES} bytes.`));
  }
  if (functions.files !== undefined && (await functions.files(request, response))) return;
  let context: AuthorizerContext = {};
  if (!request.url?.startsWith('/healthz')) {
    const found = await authorize(functions, authorized, request, requestId);
    if ('reason' in found) return respond(response, requestId, found);
    context = found.context;
  }
  const event = toProxyEvent(request, requestId, body, context);
  if (functions.admin !== undefined && ADMIN_PATHS.test(event.path)) {
    const answer = await functions.admin(event, lambdaContext('admin', requestId, ADMIN_TIMEOUT_MS));
    response
      .writeHead(answer.statusCode, answer.headers as Record<string, string>)
      .end(request.method === 'HEAD' ? undefined : answer.body);
    return;
  }
  await functions.gateway(
    event,
    new ResponseStream(response),
    lambdaContext('gateway', requestId, FUNCTION_TIMEOUT_MS),
  );
}

/** Reads a request's body; undefined when the client breaks off. */
function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is read and dropped, up to a bound: a client still sending cannot read an answer.
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (bytes > 4 * MAX_BODY_BYTES) resolve('too large');
    });
    request.once('end', () => resolve(bytes > MAX_BODY_BYTES ? 'too large' : Buffer.concat(chunks)));
    request.once('close', () => resolve(undefined));
  });
}

async function authorize(
  functions: HostedFunctions,
  authorized: Map<string, { context: AuthorizerContext; untilMs: number }>,
  request: IncomingMessage,
  requestId: string,
): Promise<{ context: AuthorizerContext } | Refusal> {
  const unauthorized = refuse('invalid_api_key', INVALID_KEY_MESSAGE);
  const header = request.headers.authorization;
  // API Gateway answers a missing identity source by itself.
  if (header === undefined || header === '') return unauthorized;
  const known = authorized.get(header);
  if (known !== undefined && known.untilMs > Date.now()) return known;
  const event = {
    type: 'REQUEST',
    methodArn: `arn:aws:execute-api:local:000000000000:local/local/${request.method}${request.url}`,
    headers: { Authorization: header },
    requestContext: { identity: { sourceIp: request.socket.remoteAddress } },
  };
  let result: APIGatewayAuthorizerResult;
  try {
    result = await functions.authorizer(
      event as unknown as APIGatewayRequestAuthorizerEvent,
      lambdaContext('authorizer', requestId, 10_000),
    );
  } catch (error) {
    if (error instanceof Error && error.message === 'Unauthorized') return unauthorized;
    return refuse('gateway_unavailable', KEY_CHECK_FAILED_MESSAGE, { retryAfterMs: 1_000 });
  }
  const context = Object.fromEntries(
    Object.entries(result.context ?? {}).map(([name, value]) => [name, String(value)]),
  );
  if (authorized.size >= MAX_CACHED_KEYS) authorized.clear();
  authorized.set(header, { context, untilMs: Date.now() + CACHE_MS });
  return { context };
}

function respond(response: ServerResponse, requestId: string, refusal: Refusal): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = renderRefusal(refusal);
  response
    .writeHead(status, { ...headers, 'x-request-id': requestId, 'content-length': Buffer.byteLength(body) })
    .end(body);
}
