import middy, { type Request } from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import type { RouteName } from '../../contract.ts';
import { logFault } from '../../kernel/fault.ts';
import { refuse } from '../../kernel/refusals.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { checkEndpointScope, checkExpiry } from '../caller-checks.ts';
import { matchRoute } from '../routing.ts';
import { handleChat } from './chat-route.ts';
import type { GatewayCall, GatewayPorts } from './gateway-call.ts';
import { readIdentity } from './gateway-event.ts';
import { type GatewayResponse, jsonResponse, refusalResponse } from './gateway-response.ts';
import { handleBudget, handleModel, handleModels } from './read-routes.ts';
import { recordRequest } from './request-recording.ts';
import { handleUsage } from './usage-route.ts';

/** Time reserved for the settlement before Lambda ends the function, in milliseconds. */
const SETTLE_MARGIN_MS = 5_000;

type RouteHandler = (call: GatewayCall, parameter: string) => Promise<GatewayResponse>;

const HANDLERS: Readonly<Record<RouteName<'gateway'>, RouteHandler>> = {
  createChatCompletion: handleChat,
  listModels: handleModels,
  getModel: handleModel,
  getBudget: handleBudget,
  getUsage: handleUsage,
  getHealth: async () => jsonResponse({ status: 'ok' }),
};

/** Creates the gateway's handler: a streaming Lambda function behind API Gateway's proxy integration. */
export function createGatewayHandler(ports: GatewayPorts) {
  // Keyed by the event object: clients choose request ids, so two requests may share one.
  const unfinishedWork = new Map<unknown, Promise<void>>();
  const gateway = async (event: APIGatewayProxyEvent, context: Context): Promise<GatewayResponse> => {
    const call: GatewayCall = {
      ports,
      event,
      requestId: event.requestContext.requestId,
      startedAtMs: ports.clock.monotonicMs(),
      deadlineEpochMs: ports.clock.nowEpochMs() + Math.floor(context.getRemainingTimeInMillis()) - SETTLE_MARGIN_MS,
      waitUntil: (work) => unfinishedWork.set(event, work),
    };
    const { reportFields, ...response } = await route(call).catch((error: unknown) => faultResponse(call, error));
    if (reportFields !== undefined) recordRequest(call, reportFields);
    return withRequestId(response, call.requestId);
  };
  return middy<APIGatewayProxyEvent, GatewayResponse>({
    executionMode: executionModeStreamifyResponse,
    // An early timeout could interrupt a settlement; each call has its own deadline instead.
    timeoutEarlyInMillis: 0,
    requestEnd: async (request: Request) => {
      await unfinishedWork.get(request.event);
      unfinishedWork.delete(request.event);
      // The client has its whole response by now, so these writes add no latency.
      await ports.recorder.flushDue();
    },
  }).handler(gateway);
}

async function route(call: GatewayCall): Promise<GatewayResponse> {
  const { event, ports } = call;
  const match = matchRoute('gateway', event.httpMethod, event.path);
  if ('refusal' in match) return refusalResponse(match.refusal, match.headers);
  if (!match.isPublic) {
    const identity = readIdentity(event);
    const refusal = checkExpiry(identity, ports.clock.nowEpochMs()) ?? checkEndpointScope(identity, match.endpoint);
    if (refusal !== undefined) return refusalResponse(refusal);
  }
  return await HANDLERS[match.name](call, match.parameter);
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
