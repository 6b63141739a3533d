import { type DimensionName, METRICS_NAMESPACE, type MetricName } from './metrics.ts';

/** CloudWatch's units, as far as they are used here; dollars and shares have none. */
export type MetricUnit = 'Count' | 'Milliseconds' | 'Percent' | 'None';

/** Metrics that are split in the same way. */
export type MetricGroup = {
  /** The dimensions, by name, that each metric of the group has one series of. */
  readonly by: readonly DimensionName[];
  readonly metrics: Readonly<Partial<Record<MetricName, MetricUnit>>>;
};

/** What is told at one moment. */
export type EmfRecord = {
  readonly timestampEpochMs: number;
  readonly groups: readonly MetricGroup[];
  /** What dimensions and metrics are; and whatever else a reader of the log wants to know, never a prompt or a key. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
};

/**
 * One line of CloudWatch's embedded metric format (docs "Specification: Embedded metric format", read 2026-11-23): the log
 * of what was done, and the metrics that alarms watch. They come at least once: graphs and alarms, never a ledger.
 */
export function toEmfLine({ timestampEpochMs, groups, values }: EmfRecord): string {
  const CloudWatchMetrics = groups.map(({ by, metrics }) => ({
    Namespace: METRICS_NAMESPACE,
    Dimensions: [by],
    Metrics: Object.entries(metrics).map(([Name, Unit]) => ({ Name, Unit })),
  }));
  return JSON.stringify({ _aws: { Timestamp: timestampEpochMs, CloudWatchMetrics }, ...values });
}
