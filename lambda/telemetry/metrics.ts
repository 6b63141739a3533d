/** CloudWatch namespace of the gateway's own metrics. */
export const METRICS_NAMESPACE = 'GroqGateway';

/** Names of the gateway's own metrics, shared by the functions, the alarms and the dashboard. */
export const METRIC = {
  requests: 'Requests',
  refusals: 'Refusals',
  costUsd: 'CostUsd',
  promptTokens: 'PromptTokens',
  cachedTokens: 'CachedTokens',
  completionTokens: 'CompletionTokens',
  reasoningTokens: 'ReasoningTokens',
  gatewayMs: 'GatewayMs',
  upstreamMs: 'UpstreamMs',
  timeToFirstTokenMs: 'TimeToFirstTokenMs',
  zeroCostSuccesses: 'ZeroCostSuccesses',
  readersCutOff: 'ReadersCutOff',
  overruns: 'Overruns',
  assumedCostUsd: 'AssumedCostUsd',
  groqKeysRefused: 'GroqKeysRefused',
  groqKeysMissing: 'GroqKeysMissing',
  stagedKeysMissing: 'StagedGroqKeysMissing',
  catalogDifferences: 'CatalogDifferences',
  groqBlocked: 'GroqBlocked',
  groqRequestsFreePercent: 'GroqRequestsFreePercent',
  groqTokensFreePercent: 'GroqTokensFreePercent',
  budgetUsedPercent: 'BudgetUsedPercent',
  projectedMonthEndUsd: 'ProjectedMonthEndUsd',
  spentUsd: 'SpentUsd',
  overrunUsd: 'OverrunUsd',
  assumedUsd: 'AssumedUsd',
  expiredReservations: 'ExpiredReservations',
  usageGapUsd: 'UsageGapUsd',
  unknownKeys: 'UnknownKeys',
  keyCheckFaults: 'KeyCheckFaults',
} as const;

/** The name of one of {@link METRIC}. */
export type MetricName = (typeof METRIC)[keyof typeof METRIC];

/** Dimensions of the metrics. CloudWatch bills every combination of values as a metric, so most have only the environment. */
export const DIMENSION = { environment: 'Environment', team: 'Team', model: 'Model', code: 'Code' } as const;

/** The name of one of {@link DIMENSION}. */
export type DimensionName = (typeof DIMENSION)[keyof typeof DIMENSION];
