import { type DimensionName, METRICS_NAMESPACE, type MetricName } from './metrics.ts';

/** CloudWatch units; dollars have none. */
export type MetricUnit = 'Count' | 'Milliseconds' | 'Percent' | 'None';

/** Metrics with the same dimensions. */
export type MetricGroup = {
  readonly by: readonly DimensionName[];
  readonly metrics: Readonly<Partial<Record<MetricName, MetricUnit>>>;
};

/** Metrics and log fields of one moment. */
export type EmfRecord = {
  readonly timestampEpochMs: number;
  readonly groups: readonly MetricGroup[];
  /** Values of the dimensions and metrics, and further log fields; never a prompt or a key. */
  readonly values: Readonly<Record<string, string | number | boolean>>;
};

/**
 * Renders a log line in CloudWatch's embedded metric format (docs "Specification: Embedded metric format", read
 * 2026-11-23), which CloudWatch also turns into metrics. Delivery is at least once, so money is never counted from metrics.
 */
export function toEmfLine({ timestampEpochMs, groups, values }: EmfRecord): string {
  const CloudWatchMetrics = groups.map(({ by, metrics }) => ({
    Namespace: METRICS_NAMESPACE,
    Dimensions: [by],
    Metrics: Object.entries(metrics).map(([Name, Unit]) => ({ Name, Unit })),
  }));
  return JSON.stringify({ _aws: { Timestamp: timestampEpochMs, CloudWatchMetrics }, ...values });
}
