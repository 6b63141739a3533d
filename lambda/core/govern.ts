import { type Admitted, admit } from './admission.ts';
import type { EndedCall } from './call-report.ts';
import { type CallTrace, NO_GROQ_KEYS } from './call-trace.ts';
import type { Catalog } from './catalog.ts';
import { parseChatRequest } from './chat-request.ts';
import { isContent, readStreamEvent, renderData } from './chat-stream.ts';
import { type BoundedCall, decide, upstreamBody } from './decide.ts';
import type { TeamPolicy } from './environment.ts';
import type { Headroom } from './headroom.ts';
import { type Entry, enterHeadroom } from './headroom-queue.ts';
import type { Identity } from './identity.ts';
import { parseObject } from './json-object.ts';
import { type LedgerView, overrunOf, type Settlement, VOID } from './ledger.ts';
import { type PicoUsd, usdText } from './money.ts';
import type { ByteSink, Clock, Ledger, Log, TracedAnswer, Upstream, UpstreamHeaders } from './ports.ts';
import { chatCost } from './pricing.ts';
import { rateCostUs } from './rate-limit.ts';
import type { RecentOutputs } from './recent-outputs.ts';
import { type Refusal, refuse } from './refusals.ts';
import { explainReserveRefusal } from './reserve-refusal.ts';
import { parseUsage, type TokenUsage } from './token-usage.ts';

/** What the use-case needs of the world. */
export type GovernPorts = {
  readonly ledger: Ledger;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  readonly outputs: RecentOutputs;
  readonly headroom: Headroom;
};

/** One chat completion to be governed. */
export type GovernRequest = {
  /** Of the reservation: fresh, and nothing that a client can choose, or calls could share one reservation. */
  readonly id: string;
  /** What caller and log know the request by. */
  readonly requestId: string;
  readonly identity: Identity;
  readonly policy: TeamPolicy;
  readonly catalog: Catalog;
  readonly bodyText: string;
  /** When the answer must be complete. */
  readonly deadlineEpochMs: number;
};

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

/** What a stream came to. */
type Relayed = {
  /** What it reported, or undefined when its outcome is unknown. */
  readonly usage: TokenUsage | undefined;
  /** Whether it came to its end without a failure. */
  readonly isWhole: boolean;
  readonly firstTokenAtMs: number | undefined;
};

/** Passes a stream on to its end. */
async function relayStream(
  ports: GovernPorts,
  request: GovernRequest,
  call: BoundedCall,
  events: AsyncIterable<Uint8Array>,
  sink: ByteSink,
): Promise<Relayed> {
  let usage: TokenUsage | undefined;
  let firstTokenAtMs: number | undefined;
  let failed = false;
  const annotate = (used: TokenUsage) => ({
    cost_usd: usdText(chatCost(call.model, used)),
    request_id: request.requestId,
  });
  try {
    for await (const event of events) {
      const read = readStreamEvent(event, call.request.includeUsage, annotate);
      usage = read.usage ?? usage;
      failed ||= read.failed;
      if (read.forward !== undefined) sink.write(read.forward);
      if (firstTokenAtMs === undefined && isContent(event)) firstTokenAtMs = ports.clock.monotonicMs();
    }
  } catch (error) {
    failed = true;
    ports.log('stream_cut', {
      requestId: request.requestId,
      team: request.policy.team,
      error: error instanceof Error ? error.name : 'unknown',
    });
    const message = `Groq's stream broke off before its end. Request id: ${request.requestId}.`;
    sink.write(renderData({ error: { message, type: 'service_unavailable', param: null, code: 'groq_stream_cut' } }));
  }
  return { usage: failed ? undefined : usage, isWhole: !failed, firstTokenAtMs };
}

/** The settlement of a call that reported its usage, or else at its bound. */
function settlementOf(
  call: BoundedCall,
  admitted: Admitted,
  trace: CallTrace,
  usage: TokenUsage | undefined,
): Settlement {
  const { reservation } = admitted.terms;
  if (usage === undefined) {
    return { ...VOID, kind: 'settle', costPicoUsd: reservation.costPicoUsd, assumed: true, trace };
  }
  return { ...VOID, kind: 'settle', costPicoUsd: chatCost(call.model, usage), ...usage, trace };
}

/** Ends the reservation; a ledger that cannot be reached leaves it open, to expire at its bound. */
async function settle(
  ports: GovernPorts,
  request: GovernRequest,
  admitted: Admitted,
  settlement: Settlement,
): Promise<LedgerView | undefined> {
  const { key, terms } = admitted;
  if (settlement.completionTokens > 0)
    ports.outputs.note(key.team, terms.reservation.model, settlement.completionTokens);
  const { costPicoUsd, model } = terms.reservation;
  if (settlement.costPicoUsd > costPicoUsd) {
    // The bound was no bound: every figure that rests on it is in doubt.
    const overrunUsd = usdText(overrunOf(terms.reservation, settlement.costPicoUsd));
    ports.log('overrun', { requestId: request.requestId, team: key.team, model, overrunUsd });
  }
  // Cached tokens do not count against Groq's tokens per minute, so they do not count against the team's.
  const used = settlement.assumed
    ? terms.reservation.tokens
    : settlement.promptTokens - settlement.cachedTokens + settlement.completionTokens;
  const tpmRefundUs = terms.tpmCostUs - rateCostUs(used, request.policy.rateLimitTpm);
  const keyTpmRefundUs = (terms.key?.tpmCostUs ?? 0) - rateCostUs(used, request.identity.scope?.tpm ?? null);
  try {
    return await ports.ledger.settle(key, terms, { ...settlement, tpmRefundUs, keyTpmRefundUs });
  } catch (error) {
    ports.log('settlement_failed', {
      requestId: request.requestId,
      team: key.team,
      error: error instanceof Error ? error.name : 'unknown',
    });
    return undefined;
  }
}

function usageOfBody(body: string): TokenUsage | undefined {
  return parseUsage(parseObject(body)?.usage);
}
