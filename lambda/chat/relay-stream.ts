import { toUsdString } from '../kernel/money.ts';
import { chatCost } from '../pricing/pricing.ts';
import type { TokenUsage } from '../pricing/token-usage.ts';
import type { BoundedCall } from './bounded-call.ts';
import type { ByteSink, ChatCompletionPorts, ChatCompletionRequest } from './chat-completion.ts';
import { hasContent, parseStreamEvent, renderSseData } from './chat-stream.ts';

/** What a stream came to. */
type StreamRelayResult = {
  /** What it reported, or undefined when its outcome is unknown. */
  readonly usage: TokenUsage | undefined;
  /** Whether it came to its end without a failure. */
  readonly isComplete: boolean;
  readonly firstTokenAtMs: number | undefined;
};

/** Passes a stream on to its end. */
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
  const annotate = (used: TokenUsage) => ({
    cost_usd: toUsdString(chatCost(call.model, used)),
    request_id: request.requestId,
  });
  try {
    for await (const event of events) {
      const read = parseStreamEvent(event, call.request.includeUsage, annotate);
      usage = read.usage ?? usage;
      failed ||= read.failed;
      if (read.forward !== undefined) sink.write(read.forward);
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
