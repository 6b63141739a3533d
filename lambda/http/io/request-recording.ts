import type { GatewayCall } from './gateway-call.ts';
import { readCaller } from './gateway-event.ts';
import type { ReportFields } from './gateway-response.ts';

/** Records a finished request for logs, metrics and refusal counts. */
export function recordRequest({ ports, event, requestId, startedAtMs }: GatewayCall, reportFields: ReportFields): void {
  const { refusal, model = '', ended, isReaderCutOff = false } = reportFields;
  const { firstTokenAtMs } = ended ?? {};
  ports.recorder.record({
    ...readCaller(event),
    requestId,
    atEpochMs: ports.clock.nowEpochMs(),
    model,
    refusal,
    ended,
    isReaderCutOff,
    totalMs: ports.clock.monotonicMs() - startedAtMs,
    ...(firstTokenAtMs === undefined ? {} : { firstTokenMs: firstTokenAtMs - startedAtMs }),
  });
}
