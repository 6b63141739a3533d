import { usdText } from '../kernel/money.ts';
import { chatCost } from '../pricing/pricing.ts';
import type { TokenUsage } from '../pricing/token-usage.ts';
import { isContent, readStreamEvent, renderData } from './chat-stream.ts';
import type { BoundedCall } from './decide.ts';
import type { GovernPorts, GovernRequest } from './govern-request.ts';

/** Where a streamed answer goes. Writes never fail: a client that has gone is not the caller's concern. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
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
export async function relayStream(
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
