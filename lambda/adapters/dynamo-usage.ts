import {
  type DynamoDBClient,
  paginateQuery,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../contract.ts';
import { foldGroqKeyUse, type GroqKeyUse, groqKeyRowsOf } from '../core/groq-key-use.ts';
import type { Day, Hour } from '../core/period.ts';
import type { GroqKeyUseReader, UsageReader } from '../core/ports.ts';
import { foldEnds, type LedgerEnd, type UsageRow } from '../core/usage.ts';
import { pauseWithin } from './jitter.ts';
import { holderOf, type Item } from './ledger-item.ts';
import {
  daySortKey,
  groqKeyIncrementOf,
  groqKeyUseOf,
  hourSortKey,
  incrementOf,
  markKey,
  markOnce,
  rowOf,
} from './usage-item.ts';

/** The usage's store failed; the same ends can be counted again. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A transaction has at most 100 items (DynamoDB quotas, read 2026-11-25). */
const ITEMS_AT_ONCE = 100;
/** How often a transaction is tried that meets others, without getting any further. */
const MAX_TRIES = 8;
/** How long is waited for others before each, in milliseconds at first. */
const CONFLICT_WITHIN_MS = 50;

/**
 * Usage in a table of its own: `TEAM#<team>` / `DAY#<day>#<key>#<model>`, `GROQKEY#<hour>#<Groq key>`, and a mark for each end that has been counted,
 * `END#<team>#<id>` / kind. Rows and marks are written in one transaction, so an end that is told again, in whatever
 * order and company, is counted once.
 */
export class DynamoUsage implements UsageReader, GroqKeyUseReader {
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
    for (const some of atOnce(told)) counted += await this.#countAtOnce(some);
    return counted;
  }

  async #countAtOnce(ends: readonly LedgerEnd[]): Promise<number> {
    let left = ends;
    for (let tries = 1; left.length > 0; ) {
      // Marks first: a reason of a refusal is found by its place.
      const updates = [
        ...left.map((entry) => markOnce(entry, this.#nowEpochMs())),
        ...foldEnds(left).map(incrementOf),
        ...foldGroqKeyUse(left).map(groqKeyIncrementOf),
      ];
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
    return (await this.#itemsOf(team, daySortKey(from), daySortKey(to))).map((item) => rowOf(team, item));
  }

  async useOf(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]> {
    return (await this.#itemsOf(team, hourSortKey(from), hourSortKey(to))).map(groqKeyUseOf);
  }

  async #itemsOf(team: string, from: string, to: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    try {
      const pages = paginateQuery(
        { client: this.#client },
        {
          TableName: this.#table,
          KeyConditionExpression: '#pk = :team AND #sk BETWEEN :from AND :to',
          ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
          // A tilde comes after all that can follow a day or an hour.
          ExpressionAttributeValues: {
            ':team': { S: holderOf(team) },
            ':from': { S: from },
            ':to': { S: `${to}#~` },
          },
        },
      );
      for await (const page of pages) items.push(...(page.Items ?? []));
    } catch (cause) {
      throw new UsageError(`cannot read the usage of ${team}`, { cause });
    }
    return items;
  }
}

/** Splits ends into those that a transaction has room for: a mark and a row each, and a row for each Groq key. */
function atOnce(ends: readonly LedgerEnd[]): readonly (readonly LedgerEnd[])[] {
  const batches: LedgerEnd[][] = [];
  let room = 0;
  for (const entry of ends) {
    const items = 2 + groqKeyRowsOf(entry);
    if (items > room) {
      batches.push([]);
      room = ITEMS_AT_ONCE;
    }
    batches.at(-1)?.push(entry);
    room -= items;
  }
  return batches;
}
