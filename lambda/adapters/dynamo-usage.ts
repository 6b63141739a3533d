import {
  type DynamoDBClient,
  paginateQuery,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../contract.ts';
import type { Day } from '../core/period.ts';
import type { UsageReader } from '../core/ports.ts';
import { foldEnds, type LedgerEnd, type UsageRow } from '../core/usage.ts';
import { pauseWithin } from './jitter.ts';
import { holderOf } from './ledger-item.ts';
import { daySortKey, incrementOf, markKey, markOnce, rowOf } from './usage-item.ts';

/** The usage's store failed; the same ends can be counted again. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A transaction has at most 100 items (DynamoDB quotas, read 2026-11-25), and an end needs two at most: mark and row. */
const ENDS_AT_ONCE = 50;
/** How often a transaction is tried that meets others, without getting any further. */
const MAX_TRIES = 8;
/** How long is waited for others before each, in milliseconds at first. */
const CONFLICT_WITHIN_MS = 50;

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
      const updates = [...left.map((entry) => markOnce(entry, this.#nowEpochMs())), ...foldEnds(left).map(incrementOf)];
      const TransactItems = updates.map((update) => ({ Update: { TableName: this.#table, ...update } }));
      try {
        await this.#client.send(new TransactWriteItemsCommand({ TransactItems }));
        return left.length;
      } catch (cause) {
        const reasons = cause instanceof TransactionCanceledException ? (cause.CancellationReasons ?? []) : [];
        const fresh = left.filter((_, index) => reasons[index]?.Code !== 'ConditionalCheckFailed');
        const isAgain = reasons.some(({ Code }) => Code === 'TransactionConflict' || Code === 'ThrottlingError');
        if (fresh.length === left.length && (!isAgain || tries++ >= MAX_TRIES))
          throw new UsageError(`cannot count ${left.length} ends of calls`, { cause });
        if (isAgain) await pauseWithin(CONFLICT_WITHIN_MS * tries);
        left = fresh;
      }
    }
    return 0;
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
            ':from': { S: daySortKey(from) },
            ':to': { S: `${daySortKey(to)}#~` },
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
