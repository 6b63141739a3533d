import type { EndedCall } from '../core/call-report.ts';
import type { Refusal } from '../core/refusals.ts';
import { callerOf } from './gateway-event.ts';
import type { GatewayCall } from './gateway-handler.ts';

/** What an answer tells those who watch, beside what the caller gets. */
export type Told = {
  readonly refusal?: Refusal | undefined;
  readonly model?: string | undefined;
  readonly ended?: EndedCall | undefined;
};

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
