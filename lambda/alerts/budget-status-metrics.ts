import { toUsdString } from '../kernel/money.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import { computeUsedPercent } from '../ledger/budget-snapshot.ts';
import { type MetricGroup, toEmfLine } from '../telemetry/emf-record.ts';
import { DIMENSION, METRIC } from '../telemetry/metrics.ts';
import type { BudgetStatus } from './budget-status.ts';

/** Renders the metrics of a holder's alarms and graphs as one EMF line of some 400 bytes. */
export function budgetMetricLine(environmentName: string, status: BudgetStatus, timestampEpochMs: number): string {
  const { holder, spentPicoUsd, limitPicoUsd, rate } = status;
  const projected = rate === undefined ? {} : { [METRIC.projectedMonthEndUsd]: 'None' as const };
  const byHolder: MetricGroup = {
    by: [DIMENSION.environment, DIMENSION.team],
    metrics: { [METRIC.budgetUsedPercent]: 'Percent', ...projected },
  };
  const total: MetricGroup = { by: [DIMENSION.environment], metrics: { [METRIC.spentUsd]: 'None' } };
  return toEmfLine({
    timestampEpochMs,
    groups: holder === ORGANIZATION ? [byHolder, total] : [byHolder],
    values: {
      event: 'budget_status',
      [DIMENSION.environment]: environmentName,
      [DIMENSION.team]: holder,
      // Floats, for graphs and alarms only; the ledgers have the exact amounts.
      [METRIC.budgetUsedPercent]: computeUsedPercent({ spentPicoUsd, limitPicoUsd }),
      ...(rate === undefined ? {} : { [METRIC.projectedMonthEndUsd]: Number(toUsdString(rate.projectedPicoUsd)) }),
      [METRIC.spentUsd]: Number(toUsdString(spentPicoUsd)),
      limitUsd: Number(toUsdString(limitPicoUsd)),
    },
  });
}
