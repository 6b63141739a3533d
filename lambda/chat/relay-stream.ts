import { StreamCut } from '../groq/upstream.ts';
import { toUsdString } from '../kernel/money.ts';
import { chatCost } from '../pricing/pricing.ts';
import type { TokenUsage } from '../pricing/token-usage.ts';
import type { ByteSink, ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';
import {
  hasContent,
  isDone,
  mayCarryOutput,
  parseStreamEvent,
  renderSseData,
  type StreamEvent,
} from './chat-stream.ts';
import type { BoundedCall } from './request/bounded-call.ts';
import { keepPossibleUsage } from './settle-call.ts';
import { dearerUsage } from './stream-usage.ts';

/** The outcome of a stream. */
type StreamRelayResult = {
  /** The usage that it reported, or undefined if its outcome is unknown. */
  readonly usage: TokenUsage | undefined;
  /** True if it ended without a failure. */
  readonly isComplete: boolean;
  readonly firstTokenAtMs: number | undefined;
};

/** Forwards a stream to its end. A stream that ends too early, however it ends, is an error to the client. */
export async function relayStream(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  call: BoundedCall,
  events: AsyncIterable<Uint8Array>,
  sink: ByteSink,
): Promise<StreamRelayResult> {
  const progress = new StreamProgress();
  let firstTokenAtMs: number | undefined;
  let cutBy: string | undefined;
  const annotate = (reported: TokenUsage) => ({
    // The amount that is settled: see buildSettlement.
    cost_usd: toUsdString(
      keepPossibleUsage(call, reported) === undefined ? call.maxCostPicoUsd : chatCost(call.model, reported),
    ),
    request_id: request.requestId,
  });
  try {
    for await (const event of events) {
      const parsed = parseStreamEvent(event, call.request.includeUsage, annotate);
      progress.observe(event, parsed);
      if (parsed.forward !== undefined) sink.write(parsed.forward);
      if (firstTokenAtMs === undefined && hasContent(event)) firstTokenAtMs = ports.clock.monotonicMs();
      if (parsed.failed) break;
    }
    if (!progress.hasEnded) cutBy = 'ended_early';
  } catch (error) {
    if (error instanceof StreamCut) progress.observeRest(error.rest);
    if (!progress.isDone) cutBy = nameCause(error);
  }
  if (progress.hasFailed || cutBy !== undefined) {
    const { requestId, policy } = request;
    ports.log('stream_interrupted', { requestId, team: policy.team, error: cutBy ?? 'groq_error' });
  }
  if (cutBy !== undefined) sink.write(renderCut(request.requestId));
  const isComplete = !progress.hasFailed && cutBy === undefined;
  return { usage: progress.hasFailed ? undefined : progress.usage, isComplete, firstTokenAtMs };
}

/** The facts about the end of a stream, and its final usage: the dearest after which no output came. */
class StreamProgress {
  usage: TokenUsage | undefined;
  isDone = false;
  hasFailed = false;

  observe(event: Uint8Array, { usage, failed }: Pick<StreamEvent, 'usage' | 'failed'>): void {
    this.hasFailed ||= failed;
    this.isDone ||= isDone(event);
    if (this.usage !== undefined && mayCarryOutput(event)) this.usage = undefined;
    this.usage = dearerUsage(this.usage, usage);
  }

  /** Observes an event that broke off. */
  observeRest(rest: Uint8Array): void {
    if (!this.isDone && hasContent(rest)) this.usage = undefined;
  }

  /** True if the stream said that it is over: by Groq's last event, its usage, or a failure. */
  get hasEnded(): boolean {
    return this.isDone || this.hasFailed || this.usage !== undefined;
  }
}

function renderCut(requestId: string): Uint8Array {
  const message = `Groq's stream broke off before its end. Request id: ${requestId}.`;
  return renderSseData({ error: { message, type: 'service_unavailable', param: null, code: 'groq_stream_cut' } });
}

/** The name of what cut a stream, for operators; never a message. */
function nameCause(error: unknown): string {
  const cause = error instanceof StreamCut ? error.cause : error;
  return cause instanceof Error ? cause.name : 'unknown';
}
