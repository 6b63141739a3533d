import type { AttributeValue, Update } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { picoUsd } from '../../kernel/money.ts';
import { type Day, dayStartEpochMs, type Hour, type Period } from '../../kernel/period.ts';
import { teamPartitionKey } from '../../ledger/io/ledger-item.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { GroqKeyUse, TeamGroqKeyUse } from '../groq-key-use.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import type { UsageCounts, UsageRow } from '../usage.ts';
import type { UsageAdjustment } from '../usage-adjustment.ts';

/** A change of one item, apart from its table. */
export type UsageUpdate = Omit<Update, 'TableName'>;

/** How long it is remembered that an end has been counted: a stream tells of it for 24 hours at most. */
const MARKER_TTL_S = 7 * 86_400;
/** How long a row is kept after its day: as long as the ledgers. */
export const USAGE_TTL_S = 401 * 86_400;

/** The counters of a row, by their attribute. */
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

/** What the attributes begin with that count refusals, each by its reason. */
const REFUSED = 'refused_';

/** What the sort keys of a day's rows begin with. */
export function daySortKey(day: Day): string {
  return `DAY#${day}`;
}

/** What the sort keys of an hour's use of Groq keys begin with. */
export function hourSortKey(hour: Hour): string {
  return `GROQKEY#${hour}`;
}

/** The key of the mark that something has been counted. */
export type MarkerKey = Record<string, AttributeValue>;

/** The key of the mark that an end has been counted. */
export function endMarkerKey({ ledger, end }: LedgerEnd): MarkerKey {
  return { [PARTITION_KEY]: { S: `END#${ledger.team}#${end.id}` }, [SORT_KEY]: { S: end.kind } };
}

/** The key of the mark that a batch of refusals has been counted. */
export function refusalMarkerKey({ team, id }: RefusalBatch): MarkerKey {
  return { [PARTITION_KEY]: { S: `END#${team}#${id}` }, [SORT_KEY]: { S: 'refusals' } };
}

/** Marks something as counted, on the condition that it has not been. */
export function markCounted(key: MarkerKey, nowEpochMs: number): UsageUpdate {
  return {
    Key: key,
    UpdateExpression: 'SET #ttl = :ttl',
    ConditionExpression: 'attribute_not_exists(#pk)',
    ExpressionAttributeNames: { '#ttl': TTL_ATTRIBUTE, '#pk': PARTITION_KEY },
    ExpressionAttributeValues: { ':ttl': number(Math.floor(nowEpochMs / 1000) + MARKER_TTL_S) },
  };
}

/** Adds counts to a row, which begins with nothing. */
export function usageIncrement({ team, day, keyId, model, ...counts }: UsageRow): UsageUpdate {
  const added = Object.entries(COUNTERS).map(
    ([count, attribute]) => [attribute, counts[count as keyof typeof COUNTERS]] as const,
  );
  const refused = Object.entries(counts.refusals).map(([reason, count]) => [`${REFUSED}${reason}`, count] as const);
  return addTo(team, `${daySortKey(day)}#${keyId}#${model}`, day, { key: keyId, model }, [...added, ...refused]);
}

/** What the sort keys of a period's adjustments begin with. */
export function adjustmentSortKey(period: Period): string {
  return `ADJUSTMENT#${period}`;
}

/** Writes down an adjustment, on the condition that none of its number has been. */
export function recordAdjustment(adjustment: UsageAdjustment): UsageUpdate {
  const { team, period, sequence, day, spentPicoUsd, assumedPicoUsd } = adjustment;
  const amounts = [['spent', spentPicoUsd] as const, ['assumed', assumedPicoUsd] as const];
  const update = addTo(
    team,
    `${adjustmentSortKey(period)}#${String(sequence).padStart(4, '0')}`,
    day,
    { day },
    amounts,
  );
  return {
    ...update,
    ConditionExpression: 'attribute_not_exists(#pk)',
    ExpressionAttributeNames: { ...update.ExpressionAttributeNames, '#pk': PARTITION_KEY },
  };
}

/** Adds to an hour's use of a Groq key. */
export function groqKeyIncrement({ team, keyId, hour, ...counts }: TeamGroqKeyUse): UsageUpdate {
  return addTo(team, `${hourSortKey(hour)}#${keyId}`, hour.slice(0, 10), { key: keyId, hour }, Object.entries(counts));
}

/** Adds numbers to an item of a team, which begins with nothing, and is kept from its day on. */
function addTo(
  team: string,
  sortKey: string,
  day: Day,
  texts: Readonly<Record<string, string>>,
  added: readonly (readonly [string, number | bigint])[],
): UsageUpdate {
  const set = Object.entries(texts);
  const ttl = Math.floor((dayStartEpochMs(day) ?? 0) / 1000) + USAGE_TTL_S;
  const attributeNames = (all: readonly (readonly [string, unknown])[]) => all.map(([name]) => [`#${name}`, name]);
  return {
    Key: { [PARTITION_KEY]: { S: teamPartitionKey(team) }, [SORT_KEY]: { S: sortKey } },
    UpdateExpression: `SET #ttl = :ttl, ${set.map(([name]) => `#${name} = :${name}`).join(', ')} ADD ${added
      .map(([name]) => `#${name} :${name}`)
      .join(', ')}`,
    ExpressionAttributeNames: {
      '#ttl': TTL_ATTRIBUTE,
      ...Object.fromEntries([...attributeNames(set), ...attributeNames(added)]),
    },
    ExpressionAttributeValues: {
      ':ttl': number(ttl),
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, { S: value }])),
      ...Object.fromEntries(added.map(([name, value]) => [`:${name}`, number(value)])),
    },
  };
}

/** Reads a team's row. */
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

/** Reads an hour's use of a Groq key. */
export function parseGroqKeyUse(item: Item): GroqKeyUse {
  const count = (attribute: string) => Number(item[attribute]?.N ?? 0);
  return {
    keyId: item.key?.S ?? '',
    hour: item.hour?.S ?? '',
    requests: count('requests'),
    refused: count('refused'),
    failed: count('failed'),
  };
}

/** A number as DynamoDB takes it. */
export function number(value: number | bigint): AttributeValue {
  return { N: String(value) };
}
