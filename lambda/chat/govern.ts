import type { TracedAnswer, UpstreamHeaders } from '../groq/upstream.ts';
import type { PicoUsd } from '../kernel/money.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { type CallTrace, NO_GROQ_KEYS } from '../ledger/call-trace.ts';
import { type LedgerView, type Settlement, VOID } from '../ledger/reservation.ts';
import { type Admitted, admit } from './admission.ts';
import type { EndedCall } from './call-report.ts';
import { parseChatRequest } from './chat-request.ts';
import { type BoundedCall, decide, upstreamBody } from './decide.ts';
import type { GovernPorts, GovernRequest } from './govern-request.ts';
import { type Entry, enterHeadroom } from './headroom-queue.ts';
import { type ByteSink, relayStream } from './relay-stream.ts';
import { explainReserveRefusal } from './reserve-refusal.ts';
import { settle, settlementOf, usageOfBody } from './settle-call.ts';

/** What the caller learns of limits and cost beside the answer. */
export type CallFacts = {
  /** The ledger after the last write that was made for this call. */
  readonly view?: LedgerView;
  readonly costPicoUsd?: PicoUsd;
  readonly upstreamMs?: number;
  /** The model that was asked for, where the catalog has it. */
  readonly model?: string;
  /** How the call ended, where it was sent; a stream has not ended before its relay has. */
  readonly ended?: EndedCall;
  readonly replacedModel?: string | undefined;
  /** The output limit that the gateway chose for a client that stated none, or lowered to what the budget pays. */
  readonly chosenMaxTokens?: number;
  /** What the client had stated, where it was lowered. */
  readonly clampedFromTokens?: number;
};

/** How a governed call is answered. A stream's `relay` must be awaited to its end, whether or not a client still listens. */
export type GovernAnswer =
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly facts: CallFacts }
  | { readonly kind: 'whole'; readonly body: string; readonly headers: UpstreamHeaders; readonly facts: CallFacts }
  | {
      readonly kind: 'stream';
      readonly headers: UpstreamHeaders;
      readonly facts: CallFacts;
      relay(sink: ByteSink): Promise<EndedCall>;
    };

/** Decides, makes room for higher priorities, reserves, calls Groq, and settles. */
export async function governChat(ports: GovernPorts, request: GovernRequest): Promise<GovernAnswer> {
  const parsed = parseChatRequest(request.bodyText);
  if ('reason' in parsed) return { kind: 'refused', refusal: parsed, facts: {} };
  const asked = request.catalog.models.has(parsed.model) ? { model: parsed.model } : {};
  const call = decide(request.identity, request.policy, request.catalog, parsed);
  if ('reason' in call) return { kind: 'refused', refusal: call, facts: asked };

  const entry = await enterHeadroom(ports, request.policy, call, request.deadlineEpochMs);
  if ('reason' in entry) return { kind: 'refused', refusal: entry, facts: asked };
  try {
    return await governBounded(ports, request, call, entry);
  } finally {
    // By now Groq has told of the call, or never saw it.
    entry.leave();
  }
}

/** Reserves, calls Groq, and settles: the one straight line on which money moves. */
async function governBounded(
  ports: GovernPorts,
  request: GovernRequest,
  call: BoundedCall,
  entry: Entry,
): Promise<GovernAnswer> {
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
    onWait: entry.leave,
    usualOutputTokens: () => ports.outputs.usual(policy.team, call.model.id),
  });
  if ('refused' in admission) {
    const { refused, view } = admission;
    return {
      kind: 'refused',
      refusal: explainReserveRefusal(policy, call, refused, view, ports.clock.nowEpochMs()),
      facts: { view, model: call.model.id },
    };
  }
  entry.comeBack();
  const { admitted } = admission;
  const facts: CallFacts = {
    view: admitted.view,
    model: call.model.id,
    replacedModel: call.replacedModel,
    ...(call.outputStated && admitted.maxOutputTokens === call.maxOutputTokens
      ? {}
      : { chosenMaxTokens: admitted.maxOutputTokens }),
    ...(call.outputStated && admitted.maxOutputTokens < call.maxOutputTokens
      ? { clampedFromTokens: call.maxOutputTokens }
      : {}),
  };

  const startMs = ports.clock.monotonicMs();
  const answer = await callUpstream(ports, request, call, admitted);
  const upstreamMs = ports.clock.monotonicMs() - startMs;
  const traceNow = (): CallTrace => ({
    upstreamMs: Math.round(ports.clock.monotonicMs() - startMs),
    groqKeys: answer.groqKeys ?? NO_GROQ_KEYS,
  });
  const end = async (settlement: Settlement, isWhole: boolean): Promise<EndedCall> => {
    const view = await settle(ports, request, admitted, settlement);
    const { key, terms } = admitted;
    const { period } = key;
    return { model: call.model.id, period, settlement, boundPicoUsd: terms.reservation.costPicoUsd, isWhole, view };
  };
  const factsOf = (ended: EndedCall): CallFacts => {
    const { costPicoUsd } = ended.settlement;
    return { ...facts, view: ended.view ?? admitted.view, upstreamMs, costPicoUsd, ended };
  };
  switch (answer.kind) {
    case 'rejected': {
      const ended = await end({ ...VOID, trace: traceNow() }, false);
      return { kind: 'refused', refusal: answer.refusal, facts: factsOf(ended) };
    }
    case 'lost': {
      const ended = await end(settlementOf(call, admitted, traceNow(), undefined), false);
      return { kind: 'refused', refusal: answer.refusal, facts: factsOf(ended) };
    }
    case 'whole': {
      const ended = await end(settlementOf(call, admitted, traceNow(), usageOfBody(answer.body)), true);
      return { kind: 'whole', body: answer.body, headers: answer.headers, facts: factsOf(ended) };
    }
    case 'stream': {
      const relay = async (sink: ByteSink): Promise<EndedCall> => {
        const { usage, isWhole, firstTokenAtMs } = await relayStream(ports, request, call, answer.events, sink);
        const ended = await end(settlementOf(call, admitted, traceNow(), usage), isWhole);
        return { ...ended, firstTokenAtMs };
      };
      return { kind: 'stream', headers: answer.headers, facts: { ...facts, upstreamMs }, relay };
    }
  }
}

async function callUpstream(
  ports: GovernPorts,
  request: GovernRequest,
  call: BoundedCall,
  admitted: Admitted,
): Promise<TracedAnswer> {
  const { deadlineEpochMs, policy } = request;
  try {
    return await ports.upstream.chat({
      team: policy.team,
      body: upstreamBody(call, admitted.maxOutputTokens),
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
