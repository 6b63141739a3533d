import {
  type AttributeValue,
  type DynamoDBClient,
  paginateQuery,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../contract.ts';
import { picoUsd } from '../core/money.ts';
import { type Day, dayStartsAtEpochMs } from '../core/period.ts';
import type { UsageReader } from '../core/ports.ts';
import { foldEnds, type LedgerEnd, type UsageCounts, type UsageRow } from '../core/usage.ts';
import { holderOf, type Item } from './ledger-item.ts';

/** The usage's store failed; the same ends can be counted again. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A transaction has at most 100 items (DynamoDB quotas, read 2026-11-25), and an end needs two at most: mark and row. */
const ENDS_AT_ONCE = 50;
/** How often a transaction is tried that meets others, without getting any further. */
const MAX_TRIES = 8;
const CONFLICT_WITHIN_MS = 50;
/** How long it is remembered that an end has been counted: a stream tells of it for 24 hours at most. */
const KEEP_MARKS_S = 7 * 86_400;
/** How long a row is kept after its day: as long as the ledgers. */
const KEEP_ROWS_S = 401 * 86_400;

/** The counters of a row, by their attribute. */
const COUNTERS = {
  requests: 'requests',
  promptTokens: 'promptTokens',
  cachedTokens: 'cachedTokens',
  completionTokens: 'completionTokens',
  costPicoUsd: 'cost',
  assumedPicoUsd: 'assumed',
  voided: 'voided',
  expired: 'expired',
} as const satisfies Record<keyof UsageCounts, string>;

/**
 * Usage in a table of its own: `TEAM#<team>` / `DAY#<day>#<key>#<model>`, and a mark for each end that has been counted,
 * `END#<team>#<id>` / kind. Rows and marks are written in one transaction, so an end that is told again, in whatever
 * order and company, is counted once.
 */
export class DynamoUsage implements UsageReader {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  /**
   * Counts ends that have not been counted before; tells how many those were.
   *
   * @throws UsageError when some may not be counted; then all may be told again.
   */
  async count(ends: readonly LedgerEnd[]): Promise<number> {
    const told = [...new Map(ends.map((entry) => [JSON.stringify(markKey(entry)), entry])).values()];
    let counted = 0;
    for (let start = 0; start < told.length; start += ENDS_AT_ONCE)
      counted += await this.#countAtOnce(told.slice(start, start + ENDS_AT_ONCE));
    return counted;
  }

  async #countAtOnce(ends: readonly LedgerEnd[]): Promise<number> {
    let left = ends;
    for (let tries = 1; left.length > 0; ) {
      // Marks first: a reason of a refusal is found by its place.
      const marks = left.map((entry) => this.#mark(entry));
      const TransactItems = [...marks, ...foldEnds(left).map((row) => this.#increment(row))];
      try {
        await this.#client.send(new TransactWriteItemsCommand({ TransactItems }));
        return left.length;
      } catch (cause) {
        const reasons = cause instanceof TransactionCanceledException ? (cause.CancellationReasons ?? []) : [];
        const fresh = left.filter((_, index) => reasons[index]?.Code !== 'ConditionalCheckFailed');
        const isAgain = reasons.some(({ Code }) => Code === 'TransactionConflict' || Code === 'ThrottlingError');
        if (fresh.length === left.length && (!isAgain || tries++ >= MAX_TRIES))
          throw new UsageError(`cannot count ${left.length} ends of calls`, { cause });
        if (isAgain) await new Promise((resolve) => setTimeout(resolve, Math.random() * CONFLICT_WITHIN_MS * tries));
        left = fresh;
      }
    }
    return 0;
  }

  #mark(entry: LedgerEnd): TransactWriteItem {
    return {
      Update: {
        TableName: this.#table,
        Key: markKey(entry),
        UpdateExpression: 'SET #ttl = :ttl',
        ConditionExpression: 'attribute_not_exists(#pk)',
        ExpressionAttributeNames: { '#ttl': TTL_ATTRIBUTE, '#pk': PARTITION_KEY },
        ExpressionAttributeValues: { ':ttl': number(Math.floor(this.#nowEpochMs() / 1000) + KEEP_MARKS_S) },
      },
    };
  }

  #increment({ team, day, keyId, model, ...counts }: UsageRow): TransactWriteItem {
    const added = Object.entries(COUNTERS).map(
      ([count, attribute]) => [attribute, counts[count as keyof UsageCounts]] as const,
    );
    const ttl = Math.floor((dayStartsAtEpochMs(day) ?? 0) / 1000) + KEEP_ROWS_S;
    return {
      Update: {
        TableName: this.#table,
        Key: { [PARTITION_KEY]: { S: holderOf(team) }, [SORT_KEY]: { S: `DAY#${day}#${keyId}#${model}` } },
        UpdateExpression: `SET #ttl = :ttl, #key = :key, #model = :model ADD ${added
          .map(([name]) => `#${name} :${name}`)
          .join(', ')}`,
        ExpressionAttributeNames: {
          '#ttl': TTL_ATTRIBUTE,
          '#key': 'key',
          '#model': 'model',
          ...Object.fromEntries(added.map(([name]) => [`#${name}`, name])),
        },
        ExpressionAttributeValues: {
          ':ttl': number(ttl),
          ':key': { S: keyId },
          ':model': { S: model },
          ...Object.fromEntries(added.map(([name, value]) => [`:${name}`, number(value)])),
        },
      },
    };
  }

  async rowsOf(team: string, from: Day, to: Day): Promise<readonly UsageRow[]> {
    const rows: UsageRow[] = [];
    try {
      const pages = paginateQuery(
        { client: this.#client },
        {
          TableName: this.#table,
          KeyConditionExpression: '#pk = :team AND #sk BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
          // A tilde comes after all that can follow a day.
          ExpressionAttributeValues: {
            ':team': { S: holderOf(team) },
            ':from': { S: `DAY#${from}` },
            ':to': { S: `DAY#${to}#~` },
          },
        },
      );
      for await (const page of pages) rows.push(...(page.Items ?? []).map((item) => rowOf(team, item)));
    } catch (cause) {
      throw new UsageError(`cannot read the usage of ${team}`, { cause });
    }
    return rows;
  }
}

function markKey({ ledger, end }: LedgerEnd): Record<string, AttributeValue> {
  return { [PARTITION_KEY]: { S: `END#${ledger.team}#${end.id}` }, [SORT_KEY]: { S: end.kind } };
}

function rowOf(team: string, item: Item): UsageRow {
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
    costPicoUsd: picoUsd(BigInt(digits(COUNTERS.costPicoUsd))),
    assumedPicoUsd: picoUsd(BigInt(digits(COUNTERS.assumedPicoUsd))),
    voided: Number(digits(COUNTERS.voided)),
    expired: Number(digits(COUNTERS.expired)),
  };
}

function number(value: number | bigint): AttributeValue {
  return { N: String(value) };
}
