import { ORGANIZATION } from '../kernel/holder.ts';
import { usdText } from '../kernel/money.ts';
import { usedPercentOf } from '../ledger/budget-standing.ts';
import { type MetricGroup, metricLine } from '../telemetry/metric-line.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';
import type { Standing } from './standings.ts';

/** The line of metrics that a holder's alarms and graphs live by: some 400 bytes. */
export function standingLine(environmentName: string, standing: Standing, timestampEpochMs: number): string {
  const { holder, spent, limit, rate } = standing;
  const projected = rate === undefined ? {} : { [METRIC.projectedMonthEndUsd]: 'None' as const };
  const ofHolder: MetricGroup = {
    by: [DIMENSION.environment, DIMENSION.team],
    metrics: { [METRIC.budgetUsedPercent]: 'Percent', ...projected },
  };
  const ofAll: MetricGroup = { by: [DIMENSION.environment], metrics: { [METRIC.spentUsd]: 'None' } };
  return metricLine({
    timestampEpochMs,
    groups: holder === ORGANIZATION ? [ofHolder, ofAll] : [ofHolder],
    values: {
      event: 'budget_standing',
      [DIMENSION.environment]: environmentName,
      [DIMENSION.team]: holder,
      // For graphs and alarms only; the ledgers have the exact figures.
      [METRIC.budgetUsedPercent]: usedPercentOf({ spent, limit }),
      ...(rate === undefined ? {} : { [METRIC.projectedMonthEndUsd]: Number(usdText(rate.monthEndPicoUsd)) }),
      [METRIC.spentUsd]: Number(usdText(spent)),
      limitUsd: Number(usdText(limit)),
    },
  });
}
