/** Where the gateway's own metrics are. */
export const METRICS_NAMESPACE = 'GroqGateway';

/** The gateway's own metrics by name: what functions write and alarms, graphs and their documents read. */
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
  overruns: 'Overruns',
  assumedCostUsd: 'AssumedCostUsd',
  groqKeysRefused: 'GroqKeysRefused',
  groqKeysMissing: 'GroqKeysMissing',
  stagedKeysMissing: 'StagedGroqKeysMissing',
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

/** What metrics are split by. Every value of a dimension costs a metric of its own, so only a few metrics have more than the first. */
export const DIMENSION = { environment: 'Environment', team: 'Team', model: 'Model', code: 'Code' } as const;

/** The name of one of {@link DIMENSION}. */
export type DimensionName = (typeof DIMENSION)[keyof typeof DIMENSION];
