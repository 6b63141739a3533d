import type { TracedUpstreamResponse } from '../groq/upstream.ts';
import { toUsdString } from '../kernel/money.ts';
import { refuse } from '../kernel/refusals.ts';
import { NO_GROQ_KEYS } from '../ledger/call-trace.ts';
import { VOID } from '../ledger/reservation.ts';
import type { TokenUsage } from '../pricing/token-usage.ts';
import type { AdmittedCall } from './admission.ts';
import type {
  ByteSink,
  CallMetadata,
  ChatCompletionPorts,
  ChatCompletionRequest,
  ChatCompletionResult,
} from './chat-completion.ts';
import { relayStream } from './relay-stream.ts';
import { type BoundedCall, upstreamBody } from './request/bounded-call.ts';
import type { CallOutcome } from './request-report.ts';
import { buildSettlement, keepPossibleUsage, parseBodyUsage, settle } from './settle-call.ts';

/** Sends an admitted call to Groq and settles its reservation; a stream is settled at the end of its relay. */
export async function runCall(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  admitted: AdmittedCall,
): Promise<ChatCompletionResult> {
  const { clock } = ports;
  const { call } = admitted;
  const startMs = clock.monotonicMs();
  const response = await callUpstream(ports, request, call);
  const metadata = { ...describeAdmitted(admitted), upstreamMs: clock.monotonicMs() - startMs };

  const finish = async (reported: TokenUsage | undefined, isComplete: boolean): Promise<CallOutcome> => {
    const upstreamMs = Math.round(clock.monotonicMs() - startMs);
    const trace = { upstreamMs, groqKeys: response.groqKeys ?? NO_GROQ_KEYS };
    const usage = keepPossibleUsage(call, reported);
    if (isComplete && usage === undefined)
      ports.log('usage_unreadable', {
        requestId: request.requestId,
        team: request.policy.team,
        model: call.model.id,
        maxCostUsd: toUsdString(call.maxCostPicoUsd),
      });
    const isBilled = response.kind !== 'rejected';
    const settlement = isBilled ? buildSettlement(admitted, trace, usage) : { ...VOID, trace };
    const view = await settle(ports, request, admitted, settlement);
    const { period } = admitted.key;
    return { model: call.model.id, period, settlement, maxCostPicoUsd: call.maxCostPicoUsd, isComplete, view };
  };
  if (response.kind === 'stream') {
    const relay = async (sink: ByteSink): Promise<CallOutcome> => {
      const { usage, isComplete, firstTokenAtMs } = await relayStream(ports, request, call, response.events, sink);
      return { ...(await finish(usage, isComplete)), firstTokenAtMs };
    };
    return { kind: 'stream', headers: response.headers, metadata, relay };
  }
  const isComplete = response.kind === 'complete';
  const ended = await finish(isComplete ? parseBodyUsage(response.body) : undefined, isComplete);
  const { costPicoUsd } = ended.settlement;
  const result = { metadata: { ...metadata, view: ended.view ?? admitted.view, costPicoUsd, ended } };
  return isComplete
    ? { kind: 'complete', body: response.body, headers: response.headers, ...result }
    : { kind: 'refused', refusal: response.refusal, ...result };
}

function describeAdmitted({ call, view }: AdmittedCall): CallMetadata {
  const { maxOutputTokens, replacedModel } = call;
  const { requestedMaxTokens } = call.request;
  return {
    view,
    model: call.model.id,
    replacedModel,
    ...(requestedMaxTokens === maxOutputTokens ? {} : { appliedMaxTokens: maxOutputTokens }),
    ...(requestedMaxTokens !== undefined && maxOutputTokens < requestedMaxTokens
      ? { clampedFromTokens: requestedMaxTokens }
      : {}),
  };
}

async function callUpstream(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  call: BoundedCall,
): Promise<TracedUpstreamResponse> {
  const { deadlineEpochMs, policy, requestId } = request;
  const { team } = policy;
  try {
    return await ports.upstream.chat({ team, body: upstreamBody(call), deadlineEpochMs, canary: policy });
  } catch (error) {
    // The adapter failed before or after Groq received the call, so the outcome is unknown and must not be voided.
    ports.log('upstream_fault', { requestId, team, error: error instanceof Error ? error.name : 'unknown' });
    const message = `The gateway failed during the call. Request id: ${requestId}.`;
    return { kind: 'lost', refusal: refuse('internal_error', message) };
  }
}
