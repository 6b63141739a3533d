import type { GatewayCall } from './gateway-call.ts';
import { callerOf } from './gateway-event.ts';
import type { Told } from './gateway-response.ts';

/** Tells the watch of a request that has its whole answer. */
export function noteRequest({ ports, event, requestId, startedAtMs }: GatewayCall, told: Told): void {
  const { refusal, model = '', ended } = told;
  const { firstTokenAtMs } = ended ?? {};
  ports.watch.note({
    ...callerOf(event),
    requestId,
    atEpochMs: ports.clock.nowEpochMs(),
    model,
    refusal,
    ended,
    totalMs: ports.clock.monotonicMs() - startedAtMs,
    ...(firstTokenAtMs === undefined ? {} : { firstTokenMs: firstTokenAtMs - startedAtMs }),
  });
}
