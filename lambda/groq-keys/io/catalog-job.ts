import type { Log } from '../../kernel/clock.ts';
import { toEmfLine } from '../../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../../telemetry/metrics.ts';
import { type CatalogWatchPorts, watchCatalog } from '../watch/watch-catalog.ts';

/** Ports of the job. */
export type CatalogJobPorts = CatalogWatchPorts & {
  readonly environmentName: string;
  readonly log: Log;
  /** Writes a metric's line to the log. */
  readonly write: (line: string) => void;
};

/** Compares the catalog with Groq's list, and writes the metric of the alarm and the differences to the log. */
export async function runCatalogJob(ports: CatalogJobPorts): Promise<void> {
  const differences = await watchCatalog(ports);
  if (differences === undefined) return ports.log('catalog_not_compared', {});
  ports.write(
    toEmfLine({
      timestampEpochMs: ports.nowEpochMs,
      groups: [{ by: [DIMENSION.environment], metrics: { [METRIC.catalogDifferences]: 'Count' } }],
      values: {
        event: 'catalog_compared',
        [DIMENSION.environment]: ports.environmentName,
        [METRIC.catalogDifferences]: differences.length,
      },
    }),
  );
  for (const { model, field, catalog, groq } of differences)
    ports.log('catalog_differs', { model, field, catalog, groq });
}
