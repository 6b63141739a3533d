import middy, { type Request } from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import type { Endpoint } from '../../access/key-scope.ts';
import { logFault } from '../../kernel/fault.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { handleChat } from './chat-route.ts';
import type { GatewayCall, GatewayPorts } from './gateway-call.ts';
import { checkEndpointScope, checkExpiry, readIdentity } from './gateway-event.ts';
import { type GatewayResponse, refusalResponse } from './gateway-response.ts';
import { handleBudget, handleModel, handleModels } from './read-routes.ts';
import { recordRequest } from './request-recording.ts';
import { handleUsage } from './usage-route.ts';

/** How long before the function's end a call must be over, in milliseconds, so that it can still be settled. */
const SETTLE_MARGIN_MS = 5_000;

type Route = (call: GatewayCall) => Promise<GatewayResponse>;

const ROUTES: readonly {
  readonly method: string;
  readonly path: RegExp;
  /** What a key may be narrowed to; absent where no key is asked for. */
  readonly endpoint?: Endpoint;
  readonly answer: Route;
}[] = [
  { method: 'POST', path: /^\/openai\/v1\/chat\/completions$/, endpoint: 'chat', answer: handleChat },
  { method: 'GET', path: /^\/openai\/v1\/models$/, endpoint: 'models', answer: handleModels },
  { method: 'GET', path: /^\/openai\/v1\/models\/.+$/, endpoint: 'models', answer: handleModel },
  { method: 'GET', path: /^\/openai\/v1\/budget$/, endpoint: 'budget', answer: handleBudget },
  { method: 'GET', path: /^\/openai\/v1\/usage$/, endpoint: 'usage', answer: handleUsage },
  {
    method: 'GET',
    path: /^\/healthz$/,
    answer: async () => ({ statusCode: 200, headers: JSON_TYPE, body: '{"status":"ok"}' }),
  },
];
const JSON_TYPE = { 'content-type': 'application/json' };

/** Makes the gateway's handler: a streaming Lambda function behind API Gateway's proxy integration. */
export function createGatewayHandler(ports: GatewayPorts) {
  // By the event itself: a client may choose its request's id, and so the same one twice.
  const unfinished = new Map<unknown, Promise<void>>();
  const gateway = async (event: APIGatewayProxyEvent, context: Context): Promise<GatewayResponse> => {
    const call: GatewayCall = {
      ports,
      event,
      requestId: event.requestContext.requestId,
      startedAtMs: ports.clock.monotonicMs(),
      deadlineEpochMs: ports.clock.nowEpochMs() + Math.floor(context.getRemainingTimeInMillis()) - SETTLE_MARGIN_MS,
      waitUntil: (work) => unfinished.set(event, work),
    };
    const { reportFields, ...response } = await route(call).catch((error: unknown) => faultResponse(call, error));
    if (reportFields !== undefined) recordRequest(call, reportFields);
    return withRequestId(response, call.requestId);
  };
  return middy<APIGatewayProxyEvent, GatewayResponse>({
    executionMode: executionModeStreamifyResponse,
    // Money may not be left in the middle: each call has its own deadline instead.
    timeoutEarlyInMillis: 0,
    requestEnd: async (request: Request) => {
      await unfinished.get(request.event);
      unfinished.delete(request.event);
      // By now the caller has the whole answer: what is written here makes nobody wait.
      await ports.recorder.flushDue();
    },
  }).handler(gateway);
}

async function route(call: GatewayCall): Promise<GatewayResponse> {
  const { httpMethod, path } = call.event;
  const onPath = ROUTES.filter((candidate) => candidate.path.test(path));
  const found = onPath.find((candidate) => candidate.method === httpMethod);
  if (found !== undefined) {
    const no = found.endpoint === undefined ? undefined : checkAccess(call, found.endpoint);
    return no === undefined ? await found.answer(call) : refusalResponse(no);
  }
  if (onPath.length > 0) {
    const allow = onPath.map((candidate) => candidate.method).join(', ');
    const response = refusalResponse(refuse('method_not_allowed', `${path} answers ${allow} only.`));
    return { ...response, headers: { ...response.headers, allow } };
  }
  return refusalResponse(
    refuse('unknown_url', `Unknown request URL: ${httpMethod} ${path}. This gateway serves ${servedPaths()}.`),
  );
}

function checkAccess({ event, ports }: GatewayCall, endpoint: Endpoint): Refusal | undefined {
  const identity = readIdentity(event);
  return checkExpiry(identity, ports.clock.nowEpochMs()) ?? checkEndpointScope(identity, endpoint);
}

function servedPaths(): string {
  return 'POST /openai/v1/chat/completions, GET /openai/v1/models, GET /openai/v1/budget, GET /openai/v1/usage, GET /openai/v1/audit, GET /openai/v1/groq-keys, /openai/v1/api-keys and GET /healthz';
}

function faultResponse({ ports, requestId }: GatewayCall, error: unknown): GatewayResponse {
  logFault(ports.log, requestId, error);
  const refusal =
    error instanceof StoreError
      ? refuse(
          'gateway_unavailable',
          `The gateway's own store did not answer, and nothing was sent to Groq. Try again. Request id: ${requestId}.`,
          { retryAfterMs: 1_000 },
        )
      : refuse('internal_error', `The gateway failed. Request id: ${requestId}.`);
  return refusalResponse(refusal);
}

function withRequestId(response: GatewayResponse, requestId: string): GatewayResponse {
  return { ...response, headers: { ...response.headers, 'x-request-id': requestId } };
}
