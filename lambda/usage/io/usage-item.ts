import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { picoUsd } from '../../kernel/money.ts';
import type { Day, Period } from '../../kernel/period.ts';
import type { UsageCounts, UsageRow } from '../usage.ts';
import type { UsageAdjustment } from '../usage-adjustment.ts';
import { type ItemUpdate, incrementItem } from './item-update.ts';

/** Attribute names of a row's counters. */
const COUNTERS = {
  requests: 'requests',
  promptTokens: 'promptTokens',
  cachedTokens: 'cachedTokens',
  completionTokens: 'completionTokens',
  reasoningTokens: 'reasoningTokens',
  upstreamMs: 'upstreamMs',
  costPicoUsd: 'cost',
  assumedPicoUsd: 'assumed',
  voided: 'voided',
  expired: 'expired',
} as const satisfies Record<keyof Omit<UsageCounts, 'refusals'>, string>;

/** Prefix of the attributes that count refusals, one per reason. */
const REFUSED = 'refused_';

/** Prefix of the sort keys of a day's rows. */
export function daySortKey(day: Day): string {
  return `DAY#${day}`;
}

/** Prefix of the sort keys of a period's adjustments. */
export function adjustmentSortKey(period: Period): string {
  return `ADJUSTMENT#${period}`;
}

/** Adds counts to a row. */
export function usageIncrement({ team, day, keyId, model, ...counts }: UsageRow): ItemUpdate {
  const counters = Object.entries(COUNTERS).map(
    ([count, attribute]) => [attribute, counts[count as keyof typeof COUNTERS]] as const,
  );
  const refusals = Object.entries(counts.refusals).map(([reason, count]) => [`${REFUSED}${reason}`, count] as const);
  const sortKey = `${daySortKey(day)}#${keyId}#${model}`;
  return incrementItem(team, sortKey, day, { key: keyId, model }, [...counters, ...refusals]);
}

/** Records an adjustment, on the condition that its sequence number is unused. */
export function recordAdjustment(adjustment: UsageAdjustment): ItemUpdate {
  const { team, period, sequence, day, spentPicoUsd, assumedPicoUsd } = adjustment;
  const sortKey = `${adjustmentSortKey(period)}#${String(sequence).padStart(4, '0')}`;
  const update = incrementItem(team, sortKey, day, { day }, [
    ['spent', spentPicoUsd],
    ['assumed', assumedPicoUsd],
  ]);
  return {
    ...update,
    ConditionExpression: 'attribute_not_exists(#pk)',
    ExpressionAttributeNames: { ...update.ExpressionAttributeNames, '#pk': PARTITION_KEY },
  };
}

/** Parses a team's row. */
export function parseUsageRow(team: string, item: Item): UsageRow {
  const digits = (attribute: string) => item[attribute]?.N ?? '0';
  return {
    team,
    day: item[SORT_KEY]?.S?.slice('DAY#'.length, 'DAY#'.length + 10) ?? '',
    keyId: item.key?.S ?? '',
    model: item.model?.S ?? '',
    requests: Number(digits(COUNTERS.requests)),
    promptTokens: Number(digits(COUNTERS.promptTokens)),
    cachedTokens: Number(digits(COUNTERS.cachedTokens)),
    completionTokens: Number(digits(COUNTERS.completionTokens)),
    reasoningTokens: Number(digits(COUNTERS.reasoningTokens)),
    upstreamMs: Number(digits(COUNTERS.upstreamMs)),
    costPicoUsd: picoUsd(BigInt(digits(COUNTERS.costPicoUsd))),
    assumedPicoUsd: picoUsd(BigInt(digits(COUNTERS.assumedPicoUsd))),
    voided: Number(digits(COUNTERS.voided)),
    expired: Number(digits(COUNTERS.expired)),
    refusals: Object.fromEntries(
      Object.keys(item)
        .filter((attribute) => attribute.startsWith(REFUSED))
        .map((attribute) => [attribute.slice(REFUSED.length), Number(digits(attribute))]),
    ),
  };
}
