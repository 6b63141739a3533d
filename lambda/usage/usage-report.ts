import { toUsdString } from '../kernel/money.ts';
import type { Day } from '../kernel/period.ts';
import { addUsage, NO_USAGE, sumRefusals, sumUsage, type UsageCounts, type UsageRow } from './usage.ts';
import type { UsageGroup, UsageQuery } from './usage-query.ts';

/** Names of keys by id. A deleted key has none and is shown by its id. */
export type KeyNamesById = ReadonlyMap<string, string>;

/**
 * Builds the response of `GET /openai/v1/usage`. Dollars are exact decimal strings, except for `estimated_cost_usd`, which
 * clients expect as a number. `rows` are all that the caller may see of the query's days and of today.
 */
export function buildUsageReport(
  { from, to, groupBy }: UsageQuery,
  rows: readonly UsageRow[],
  names: KeyNamesById,
  today: Day,
) {
  const queried = rows.filter(({ day }) => day >= from && day <= to);
  return {
    object: 'usage',
    from,
    to,
    group_by: groupBy,
    data: groupRows(queried, groupBy).map(({ row, counts }) => ({
      ...Object.fromEntries(groupBy.flatMap((group) => groupLabels(row, group, names))),
      ...renderCounts(counts),
    })),
    total: renderCounts(sumUsage(queried)),
    /** Of the current UTC day, whatever the query. */
    usage_by_key: groupRows(
      rows.filter(({ day }) => day === today),
      ['team', 'key'],
    ).map(({ row, counts }) => ({
      key_name: displayName(row.keyId, names),
      key_id: row.keyId,
      team: row.team,
      requests_today: counts.requests,
      tokens_today: counts.promptTokens + counts.completionTokens,
      estimated_cost_usd: Number(toUsdString(counts.costPicoUsd)),
    })),
  };
}

/** Adds up rows with the same labels, sorted by them. */
function groupRows(rows: readonly UsageRow[], groups: readonly UsageGroup[]) {
  const grouped = new Map<string, { readonly sortKey: readonly string[]; row: UsageRow; counts: UsageCounts }>();
  for (const row of rows) {
    const sortKey = groups.map((group) => labelValue(row, group));
    const name = JSON.stringify(sortKey);
    grouped.set(name, { sortKey, row, counts: addUsage(grouped.get(name)?.counts ?? NO_USAGE, row) });
  }
  return [...grouped.values()].sort((a, b) => compareLexicographic(a.sortKey, b.sortKey));
}

/** Compares two lists by their first parts that differ. */
export function compareLexicographic(a: readonly string[], b: readonly string[]): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index < 0 ? 0 : (a[index] ?? '') < (b[index] ?? '') ? -1 : 1;
}

function labelValue(row: UsageRow, group: UsageGroup): string {
  return group === 'key' ? row.keyId : row[group];
}

function groupLabels(row: UsageRow, group: UsageGroup, names: KeyNamesById): [string, string][] {
  if (group !== 'key') return [[group, row[group]]];
  return [
    ['key_id', row.keyId],
    ['key_name', displayName(row.keyId, names)],
  ];
}

/** A key's name, or its id if it has none. */
export function displayName(keyId: string, names: KeyNamesById): string {
  return names.get(keyId) ?? keyId;
}

/** Counts as API responses and reports show them. Dollars are exact decimal strings. */
export function renderCounts(counts: UsageCounts) {
  return {
    requests: counts.requests,
    prompt_tokens: counts.promptTokens,
    cached_tokens: counts.cachedTokens,
    completion_tokens: counts.completionTokens,
    reasoning_tokens: counts.reasoningTokens,
    upstream_ms: counts.upstreamMs,
    cost_usd: toUsdString(counts.costPicoUsd),
    assumed_usd: toUsdString(counts.assumedPicoUsd),
    voided_requests: counts.voided,
    expired_requests: counts.expired,
    /** Refused by the gateway itself; not included in any other count. */
    refused_requests: sumRefusals(counts),
    refusals: Object.fromEntries(Object.entries(counts.refusals).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
