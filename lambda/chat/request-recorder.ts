import type { Clock, Log } from '../kernel/clock.ts';
import { toEmfLine } from '../telemetry/emf-record.ts';
import { type RefusalStore, RefusalTally } from '../usage/refusal-tally.ts';
import { requestMetrics } from './request-metrics.ts';
import type { RequestRecorder, RequestReport } from './request-report.ts';

/** Ports of the request recorder; `write` writes one line to the log. */
export type RequestRecorderPorts = {
  readonly store: RefusalStore;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'monotonicMs'>;
  readonly newId: () => string;
  readonly log: Log;
  readonly write: (line: string) => void;
  readonly environmentName: string;
};

/** Writes a line of metrics for each request, and counts the gateway's refusals for the usage report. */
export class GatewayRequestRecorder implements RequestRecorder {
  readonly #tally: RefusalTally;
  readonly #ports: RequestRecorderPorts;

  constructor(ports: RequestRecorderPorts) {
    this.#ports = ports;
    this.#tally = new RefusalTally(ports);
  }

  record(report: RequestReport): void {
    const { team, keyId, model, refusal, ended } = report;
    // Calls that Groq refused have an entry in the ledger, which counts them.
    if (refusal !== undefined && ended === undefined && team !== undefined)
      this.#tally.note({ team, keyId, model, reason: refusal.reason });
    try {
      this.#ports.write(toEmfLine(requestMetrics(report, this.#ports.environmentName)));
    } catch (error) {
      this.#ports.log('metrics_write_failed', { error: error instanceof Error ? error.name : 'unknown' });
    }
  }

  async flushDue(): Promise<void> {
    await this.#tally.flushDue();
  }

  /** Writes all pending refusals; call it before the process ends. */
  async close(): Promise<void> {
    await this.#tally.flushAll();
  }
}
