import { type PicoUsd, subtractUsd, toUsdString } from '../kernel/money.ts';
import { periodAt } from '../kernel/period.ts';
import { computeUsedPercent } from '../ledger/budget-snapshot.ts';
import type { EmfRecord, MetricGroup, MetricUnit } from '../telemetry/emf-record.ts';
import { DIMENSION, type DimensionName, METRIC, type MetricName } from '../telemetry/metrics.ts';
import type { CallOutcome, RequestReport } from './request-report.ts';

type MetricValues = readonly (readonly [MetricName, MetricUnit, number])[];

/**
 * The metrics of one request. Dollars are floats, for graphs and alarms; the fields `costPicoUsd` and `assumedPicoUsd` hold
 * the exact amounts as text.
 */
export function requestMetrics(report: RequestReport, environmentName: string): EmfRecord {
  const { team, keyId, refusal, ended, requestId } = report;
  const requests = [METRIC.requests, 'Count', 1] as const;
  const refusals: MetricValues = refusal === undefined ? [] : [[METRIC.refusals, 'Count', 1]];
  const cost: MetricValues =
    ended === undefined ? [] : [[METRIC.costUsd, 'None', toUsdNumber(ended.settlement.costPicoUsd)]];
  // Last month's used budget, reported in this month, would trigger alarms that have just cleared.
  const view = ended?.period === periodAt(report.atEpochMs) ? ended.view : undefined;
  const used: MetricValues =
    view === undefined ? [] : [[METRIC.budgetUsedPercent, 'Percent', computeUsedPercent(view)]];
  const split: readonly (readonly [readonly DimensionName[], MetricValues])[] = [
    [
      [],
      [
        requests,
        ...refusals,
        ...cost,
        ...latencyMetrics(report),
        ...(ended === undefined ? [] : anomalyMetrics(ended)),
        ...groqKeyMetrics(report),
        ...(report.isReaderCutOff === true ? ([[METRIC.readersCutOff, 'Count', 1]] as const) : []),
      ],
    ],
    [[DIMENSION.team], team === undefined ? [] : [requests, ...refusals, ...cost, ...used]],
    [[DIMENSION.model], ended === undefined ? [] : tokenMetrics(ended)],
    [[DIMENSION.code], refusals],
  ];
  const groups = split
    .filter(([, measured]) => measured.length > 0)
    .map(([by, measured]) => buildMetricGroup(by, measured));
  return {
    timestampEpochMs: report.atEpochMs,
    groups,
    values: {
      event: 'request',
      [DIMENSION.environment]: environmentName,
      ...(team === undefined ? {} : { [DIMENSION.team]: team }),
      ...(ended === undefined ? {} : { [DIMENSION.model]: ended.model }),
      ...(refusal === undefined ? {} : { [DIMENSION.code]: refusal.reason }),
      ...Object.fromEntries(split.flatMap(([, measured]) => measured.map(([name, , value]) => [name, value]))),
      ...(ended === undefined ? {} : exactCostFields(ended)),
      ...groqKeyField(ended),
      keyId,
      requestId,
    },
  };
}

function buildMetricGroup(by: readonly DimensionName[], measured: MetricValues): MetricGroup {
  const metrics = Object.fromEntries(measured.map(([name, unit]) => [name, unit]));
  return { by: [DIMENSION.environment, ...by], metrics };
}

function latencyMetrics({ totalMs, firstTokenMs, ended }: RequestReport): MetricValues {
  const upstreamMs = ended?.settlement.trace?.upstreamMs ?? 0;
  return [
    [METRIC.gatewayMs, 'Milliseconds', Math.max(0, Math.round(totalMs - upstreamMs))],
    ...(ended === undefined ? [] : ([[METRIC.upstreamMs, 'Milliseconds', upstreamMs]] as const)),
    ...(firstTokenMs === undefined
      ? []
      : ([[METRIC.timeToFirstTokenMs, 'Milliseconds', Math.round(firstTokenMs)]] as const)),
  ];
}

/** Metrics of anomalies, without those that are zero: each metric costs money. */
function anomalyMetrics({ settlement, maxCostPicoUsd, isComplete }: CallOutcome): MetricValues {
  const { costPicoUsd, assumed } = settlement;
  const anomalies: MetricValues = [
    [METRIC.zeroCostSuccesses, 'Count', isComplete && (assumed || costPicoUsd === 0n) ? 1 : 0],
    [METRIC.overruns, 'Count', subtractUsd(costPicoUsd, maxCostPicoUsd) > 0n ? 1 : 0],
    [METRIC.assumedCostUsd, 'None', assumed ? toUsdNumber(costPicoUsd) : 0],
  ];
  return anomalies.filter(([, , value]) => value > 0);
}

function groqKeyMetrics({ refusal, ended }: RequestReport): MetricValues {
  const refusedKeys = ended?.settlement.trace?.groqKeys.refusedIds.length ?? 0;
  const metrics: MetricValues = [
    [METRIC.groqKeysRefused, 'Count', Math.max(refusedKeys, refusal?.reason === 'groq_key_rejected' ? 1 : 0)],
    [METRIC.groqKeysMissing, 'Count', refusal?.reason === 'groq_key_missing' ? 1 : 0],
    [METRIC.groqBlocked, 'Count', refusal?.reason === 'groq_blocked' ? 1 : 0],
  ];
  return metrics.filter(([, , value]) => value > 0);
}

function tokenMetrics({ settlement }: CallOutcome): MetricValues {
  const tokens: MetricValues = [
    [METRIC.promptTokens, 'Count', settlement.promptTokens],
    [METRIC.cachedTokens, 'Count', settlement.cachedTokens],
    [METRIC.completionTokens, 'Count', settlement.completionTokens],
    [METRIC.reasoningTokens, 'Count', settlement.reasoningTokens],
  ];
  return settlement.promptTokens + settlement.completionTokens === 0 ? [] : tokens;
}

function exactCostFields({ settlement }: CallOutcome): Readonly<Record<string, string>> {
  const { costPicoUsd, assumed } = settlement;
  return { costPicoUsd: String(costPicoUsd), assumedPicoUsd: assumed ? String(costPicoUsd) : '0' };
}

/** The id of the Groq key that answered. A log field only, because each value of a dimension is billed as a metric. */
function groqKeyField(ended: CallOutcome | undefined): { readonly groqKeyId?: string } {
  const groqKeyId = ended?.settlement.trace?.groqKeys.usedId;
  return groqKeyId === undefined ? {} : { groqKeyId };
}

function toUsdNumber(amount: PicoUsd): number {
  return Number(toUsdString(amount));
}
