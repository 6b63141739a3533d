import type { TracedUpstreamResponse, UpstreamHeaders } from '../groq/upstream.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { type CallTrace, NO_GROQ_KEYS } from '../ledger/call-trace.ts';
import { type LedgerView, type Settlement, VOID } from '../ledger/reservation.ts';
import { admit } from './admission.ts';
import { type BoundedCall, upstreamBody } from './bounded-call.ts';
import type { ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';
import { parseChatRequest } from './chat-request.ts';
import { decide } from './decide.ts';
import { acquireHeadroom, type HeadroomSlot } from './headroom-queue.ts';
import { type ByteSink, relayStream } from './relay-stream.ts';
import type { CallOutcome } from './request-report.ts';
import { explainReserveRefusal } from './reserve-refusal.ts';
import { buildSettlement, parseBodyUsage, settle } from './settle-call.ts';

/** What the caller learns of limits and cost beside the answer. */
export type CallMetadata = {
  /** The ledger after the last write that was made for this call. */
  readonly view?: LedgerView;
  readonly costPicoUsd?: PicoUsd;
  readonly upstreamMs?: number;
  /** The model that was asked for, where the catalog has it. */
  readonly model?: string;
  /** How the call ended, where it was sent; a stream has not ended before its relay has. */
  readonly ended?: CallOutcome;
  readonly replacedModel?: string | undefined;
  /** The output limit that the gateway chose for a client that stated none, or lowered to what the budget pays. */
  readonly appliedMaxTokens?: number;
  /** What the client had stated, where it was lowered. */
  readonly clampedFromTokens?: number;
};

/** How a governed call is answered. A stream's `relay` must be awaited to its end, whether or not a client still listens. */
export type ChatCompletionResult =
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly metadata: CallMetadata }
  | {
      readonly kind: 'complete';
      readonly body: string;
      readonly headers: UpstreamHeaders;
      readonly metadata: CallMetadata;
    }
  | {
      readonly kind: 'stream';
      readonly headers: UpstreamHeaders;
      readonly metadata: CallMetadata;
      relay(sink: ByteSink): Promise<CallOutcome>;
    };

/** Decides, makes room for higher priorities, reserves, calls Groq, and settles. */
export async function completeChat(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
): Promise<ChatCompletionResult> {
  const parsed = parseChatRequest(request.bodyText);
  if ('reason' in parsed) return { kind: 'refused', refusal: parsed, metadata: {} };
  const asked = request.catalog.models.has(parsed.model) ? { model: parsed.model } : {};
  const call = decide(request.identity, request.policy, request.catalog, parsed);
  if ('reason' in call) return { kind: 'refused', refusal: call, metadata: asked };

  const entry = await acquireHeadroom(ports, request.policy, call, request.deadlineEpochMs);
  if ('reason' in entry) return { kind: 'refused', refusal: entry, metadata: asked };
  try {
    return await executeBoundedCall(ports, request, call, entry);
  } finally {
    // By now Groq has told of the call, or never saw it.
    entry.release();
  }
}

/** Reserves, calls Groq, and settles: the one straight line on which money moves. */
async function executeBoundedCall(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  call: BoundedCall,
  entry: HeadroomSlot,
): Promise<ChatCompletionResult> {
  const { policy } = request;
  const admission = await admit(ports, {
    id: request.id,
    keyId: request.identity.keyId,
    scope: request.identity.scope,
    policy,
    call,
    deadlineEpochMs: request.deadlineEpochMs,
    queuedMs: entry.queuedMs,
    // It has sent nothing yet: what waits for money takes nothing of Groq's limits.
    onWait: entry.release,
    typicalOutputTokens: () => ports.outputs.typicalLength(policy.team, call.model.id),
  });
  if ('refused' in admission) {
    const { refused, view } = admission;
    return {
      kind: 'refused',
      refusal: explainReserveRefusal(policy, call, refused, view, ports.clock.nowEpochMs()),
      metadata: { view, model: call.model.id },
    };
  }
  entry.reacquire();
  const { admitted } = admission;
  const metadata: CallMetadata = {
    view: admitted.view,
    model: call.model.id,
    replacedModel: call.replacedModel,
    ...(call.hasRequestedMaxTokens && admitted.call.maxOutputTokens === call.maxOutputTokens
      ? {}
      : { appliedMaxTokens: admitted.call.maxOutputTokens }),
    ...(call.hasRequestedMaxTokens && admitted.call.maxOutputTokens < call.maxOutputTokens
      ? { clampedFromTokens: call.maxOutputTokens }
      : {}),
  };

  const startMs = ports.clock.monotonicMs();
  const answer = await callUpstream(ports, request, admitted.call);
  const upstreamMs = ports.clock.monotonicMs() - startMs;
  const traceNow = (): CallTrace => ({
    upstreamMs: Math.round(ports.clock.monotonicMs() - startMs),
    groqKeys: answer.groqKeys ?? NO_GROQ_KEYS,
  });
  const end = async (settlement: Settlement, isComplete: boolean): Promise<CallOutcome> => {
    const view = await settle(ports, request, admitted, settlement);
    const { key, terms } = admitted;
    const { period } = key;
    return {
      model: call.model.id,
      period,
      settlement,
      maxCostPicoUsd: terms.reservation.maxCostPicoUsd,
      isComplete,
      view,
    };
  };
  const buildMetadata = (ended: CallOutcome): CallMetadata => {
    const { costPicoUsd } = ended.settlement;
    return { ...metadata, view: ended.view ?? admitted.view, upstreamMs, costPicoUsd, ended };
  };
  switch (answer.kind) {
    case 'rejected': {
      const ended = await end({ ...VOID, trace: traceNow() }, false);
      return { kind: 'refused', refusal: answer.refusal, metadata: buildMetadata(ended) };
    }
    case 'lost': {
      const ended = await end(buildSettlement(call, admitted, traceNow(), undefined), false);
      return { kind: 'refused', refusal: answer.refusal, metadata: buildMetadata(ended) };
    }
    case 'complete': {
      const ended = await end(buildSettlement(call, admitted, traceNow(), parseBodyUsage(answer.body)), true);
      return { kind: 'complete', body: answer.body, headers: answer.headers, metadata: buildMetadata(ended) };
    }
    case 'stream': {
      const relay = async (sink: ByteSink): Promise<CallOutcome> => {
        const { usage, isComplete, firstTokenAtMs } = await relayStream(ports, request, call, answer.events, sink);
        const ended = await end(buildSettlement(call, admitted, traceNow(), usage), isComplete);
        return { ...ended, firstTokenAtMs };
      };
      return { kind: 'stream', headers: answer.headers, metadata: { ...metadata, upstreamMs }, relay };
    }
  }
}

async function callUpstream(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  call: BoundedCall,
): Promise<TracedUpstreamResponse> {
  const { deadlineEpochMs, policy } = request;
  try {
    return await ports.upstream.chat({
      team: policy.team,
      body: upstreamBody(call),
      deadlineEpochMs,
      canary: policy,
    });
  } catch (error) {
    // A fault of our own may have struck before or after Groq saw the call: an unknown outcome is never voided.
    ports.log('upstream_fault', {
      requestId: request.requestId,
      team: policy.team,
      error: error instanceof Error ? error.name : 'unknown',
    });
    return {
      kind: 'lost',
      refusal: refuse('internal_error', `The gateway failed during the call. Request id: ${request.requestId}.`),
    };
  }
}
