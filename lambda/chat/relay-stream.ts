import { toUsdString } from '../kernel/money.ts';
import { chatCost } from '../pricing/pricing.ts';
import type { TokenUsage } from '../pricing/token-usage.ts';
import type { BoundedCall } from './bounded-call.ts';
import type { ByteSink, ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';
import { hasContent, parseStreamEvent, renderSseData } from './chat-stream.ts';

/** The outcome of a stream. */
type StreamRelayResult = {
  /** The usage that it reported, or undefined if its outcome is unknown. */
  readonly usage: TokenUsage | undefined;
  /** True if it ended without a failure. */
  readonly isComplete: boolean;
  readonly firstTokenAtMs: number | undefined;
};

/** Forwards a stream to its end. */
export async function relayStream(
  ports: ChatCompletionPorts,
  request: ChatCompletionRequest,
  call: BoundedCall,
  events: AsyncIterable<Uint8Array>,
  sink: ByteSink,
): Promise<StreamRelayResult> {
  let usage: TokenUsage | undefined;
  let firstTokenAtMs: number | undefined;
  let failed = false;
  const annotate = (reported: TokenUsage) => ({
    cost_usd: toUsdString(chatCost(call.model, reported)),
    request_id: request.requestId,
  });
  try {
    for await (const event of events) {
      const parsed = parseStreamEvent(event, call.request.includeUsage, annotate);
      usage = parsed.usage ?? usage;
      failed ||= parsed.failed;
      if (parsed.forward !== undefined) sink.write(parsed.forward);
      if (firstTokenAtMs === undefined && hasContent(event)) firstTokenAtMs = ports.clock.monotonicMs();
    }
  } catch (error) {
    failed = true;
    ports.log('stream_interrupted', {
      requestId: request.requestId,
      team: request.policy.team,
      error: error instanceof Error ? error.name : 'unknown',
    });
    const message = `Groq's stream broke off before its end. Request id: ${request.requestId}.`;
    sink.write(
      renderSseData({ error: { message, type: 'service_unavailable', param: null, code: 'groq_stream_cut' } }),
    );
  }
  return { usage: failed ? undefined : usage, isComplete: !failed, firstTokenAtMs };
}
