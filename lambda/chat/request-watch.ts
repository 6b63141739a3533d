import type { Clock, Log } from '../kernel/clock.ts';
import { metricLine } from '../telemetry/metric-line.ts';
import { type RefusalStore, RefusalTally } from '../usage/refusal-tally.ts';
import type { RequestReport, RequestWatch } from './call-report.ts';
import { requestMetrics } from './request-metrics.ts';

/** What the watch needs of the world; `write` takes one line for the log. */
export type WatchPorts = {
  readonly store: RefusalStore;
  readonly clock: Pick<Clock, 'nowEpochMs' | 'monotonicMs'>;
  readonly newId: () => string;
  readonly log: Log;
  readonly write: (line: string) => void;
  readonly environmentName: string;
};

/** Writes a line of metrics for each request, and tallies what the gateway refused for the usage. */
export class GatewayWatch implements RequestWatch {
  readonly #tally: RefusalTally;
  readonly #ports: WatchPorts;

  constructor(ports: WatchPorts) {
    this.#ports = ports;
    this.#tally = new RefusalTally(ports);
  }

  note(report: RequestReport): void {
    const { team, keyId, model, refusal, ended } = report;
    // What Groq refused has an end in the ledger, and is counted by it.
    if (refusal !== undefined && ended === undefined && team !== undefined)
      this.#tally.note({ team, keyId, model, reason: refusal.reason });
    try {
      this.#ports.write(metricLine(requestMetrics(report, this.#ports.environmentName)));
    } catch (error) {
      this.#ports.log('metrics_unwritten', { error: error instanceof Error ? error.name : 'unknown' });
    }
  }

  async writeDue(): Promise<void> {
    await this.#tally.writeDue();
  }

  /** Writes all that is not written yet, at a process's end. */
  async close(): Promise<void> {
    await this.#tally.writeAll();
  }
}
