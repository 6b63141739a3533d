import { toEmfLine } from '../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';

/** Minimum time between two log lines, in milliseconds, so that guessing keys cannot run up a bill for logs. */
const REPORT_INTERVAL_MS = 1_000;

/** Metrics of failed key checks. */
export type KeyCheckMetric = typeof METRIC.unknownKeys | typeof METRIC.keyCheckFaults;

/** Ports of the reporter; `write` appends a line to the log. */
export type KeyCheckReporterPorts = {
  readonly environmentName: string;
  readonly nowEpochMs: () => number;
  readonly write: (line: string) => void;
};

/** Creates a reporter that counts failed key checks and logs the counts at most once per interval. */
export function createKeyCheckReporter({ environmentName, nowEpochMs, write }: KeyCheckReporterPorts) {
  const unreported: Record<KeyCheckMetric, number> = { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 };
  let lastReportedAtEpochMs = Number.NEGATIVE_INFINITY;
  return (metric: KeyCheckMetric, source: string): void => {
    unreported[metric]++;
    const timestampEpochMs = nowEpochMs();
    if (timestampEpochMs - lastReportedAtEpochMs < REPORT_INTERVAL_MS) return;
    lastReportedAtEpochMs = timestampEpochMs;
    const metrics = { [METRIC.unknownKeys]: 'Count', [METRIC.keyCheckFaults]: 'Count' } as const;
    const values = { event: 'keys_refused', [DIMENSION.environment]: environmentName, ...unreported, source };
    write(toEmfLine({ timestampEpochMs, groups: [{ by: [DIMENSION.environment], metrics }], values }));
    Object.assign(unreported, { [METRIC.unknownKeys]: 0, [METRIC.keyCheckFaults]: 0 });
  };
}
