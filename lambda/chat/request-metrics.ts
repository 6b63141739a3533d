import { type PicoUsd, subtractUsd, usdText } from '../kernel/money.ts';
import { periodOf } from '../kernel/period.ts';
import { usedPercentOf } from '../ledger/budget-standing.ts';
import type { MetricFacts, MetricGroup, MetricUnit } from '../telemetry/metric-line.ts';
import { DIMENSION, type DimensionName, METRIC, type MetricName } from '../telemetry/metrics.ts';
import type { EndedCall, RequestReport } from './call-report.ts';

type Measured = readonly (readonly [MetricName, MetricUnit, number])[];

/**
 * The metrics of one request. Dollars are floats there, for graphs and alarms; beside them `costPicoUsd` and
 * `assumedPicoUsd` are exact, as text.
 */
export function requestMetrics(report: RequestReport, environmentName: string): MetricFacts {
  const { team, keyId, refusal, ended, requestId } = report;
  const requests = [METRIC.requests, 'Count', 1] as const;
  const refusals: Measured = refusal === undefined ? [] : [[METRIC.refusals, 'Count', 1]];
  const cost: Measured = ended === undefined ? [] : [[METRIC.costUsd, 'None', usdOf(ended.settlement.costPicoUsd)]];
  // Last month's budget, told in this month, would ring alarms that have just cleared.
  const view = ended?.period === periodOf(report.atEpochMs) ? ended.view : undefined;
  const used: Measured = view === undefined ? [] : [[METRIC.budgetUsedPercent, 'Percent', usedPercentOf(view)]];
  const split: readonly (readonly [readonly DimensionName[], Measured])[] = [
    [
      [],
      [
        requests,
        ...refusals,
        ...cost,
        ...timesOf(report),
        ...(ended === undefined ? [] : oddsOf(ended)),
        ...keysOf(report),
      ],
    ],
    [[DIMENSION.team], team === undefined ? [] : [requests, ...refusals, ...cost, ...used]],
    [[DIMENSION.model], ended === undefined ? [] : tokensOf(ended)],
    [[DIMENSION.code], refusals],
  ];
  const groups = split.filter(([, measured]) => measured.length > 0).map(([by, measured]) => groupOf(by, measured));
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
      ...(ended === undefined ? {} : exactOf(ended)),
      ...groqKeyOf(ended),
      keyId,
      requestId,
    },
  };
}

function groupOf(by: readonly DimensionName[], measured: Measured): MetricGroup {
  const metrics = Object.fromEntries(measured.map(([name, unit]) => [name, unit]));
  return { by: [DIMENSION.environment, ...by], metrics };
}

function timesOf({ totalMs, firstTokenMs, ended }: RequestReport): Measured {
  const upstreamMs = ended?.settlement.trace?.upstreamMs ?? 0;
  return [
    [METRIC.gatewayMs, 'Milliseconds', Math.max(0, Math.round(totalMs - upstreamMs))],
    ...(ended === undefined ? [] : ([[METRIC.upstreamMs, 'Milliseconds', upstreamMs]] as const)),
    ...(firstTokenMs === undefined ? [] : ([[METRIC.firstByteMs, 'Milliseconds', Math.round(firstTokenMs)]] as const)),
  ];
}

/** What should not be: only where it is, so that nobody pays for the zeros. */
function oddsOf({ settlement, boundPicoUsd, isWhole }: EndedCall): Measured {
  const { costPicoUsd, assumed } = settlement;
  const odds: Measured = [
    [METRIC.zeroCostSuccesses, 'Count', isWhole && (assumed || costPicoUsd === 0n) ? 1 : 0],
    [METRIC.overruns, 'Count', subtractUsd(costPicoUsd, boundPicoUsd) > 0n ? 1 : 0],
    [METRIC.assumedCostUsd, 'None', assumed ? usdOf(costPicoUsd) : 0],
  ];
  return odds.filter(([, , value]) => value > 0);
}

function keysOf({ refusal, ended }: RequestReport): Measured {
  const refused = ended?.settlement.trace?.groqKeys.refusedIds.length ?? 0;
  const keys: Measured = [
    [METRIC.groqKeysRefused, 'Count', Math.max(refused, refusal?.reason === 'groq_key_rejected' ? 1 : 0)],
    [METRIC.groqKeysMissing, 'Count', refusal?.reason === 'groq_key_missing' ? 1 : 0],
    [METRIC.groqBlocked, 'Count', refusal?.reason === 'groq_blocked' ? 1 : 0],
  ];
  return keys.filter(([, , value]) => value > 0);
}

function tokensOf({ settlement }: EndedCall): Measured {
  const tokens: Measured = [
    [METRIC.promptTokens, 'Count', settlement.promptTokens],
    [METRIC.cachedTokens, 'Count', settlement.cachedTokens],
    [METRIC.completionTokens, 'Count', settlement.completionTokens],
    [METRIC.reasoningTokens, 'Count', settlement.reasoningTokens],
  ];
  return settlement.promptTokens + settlement.completionTokens === 0 ? [] : tokens;
}

function exactOf({ settlement }: EndedCall): Readonly<Record<string, string>> {
  const { costPicoUsd, assumed } = settlement;
  return { costPicoUsd: String(costPicoUsd), assumedPicoUsd: assumed ? String(costPicoUsd) : '0' };
}

/** The Groq key that answered, by its id: of the log alone, since a metric a key would be billed each. */
function groqKeyOf(ended: EndedCall | undefined): { readonly groqKeyId?: string } {
  const groqKeyId = ended?.settlement.trace?.groqKeys.usedId;
  return groqKeyId === undefined ? {} : { groqKeyId };
}

function usdOf(amount: PicoUsd): number {
  return Number(usdText(amount));
}
