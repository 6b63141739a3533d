import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { DynamoTable, type Item, type TransactionOutcome } from '../../kernel/io/dynamo-table.ts';
import { RETRY_NOW } from '../../kernel/io/retry.ts';
import type { Day, Hour } from '../../kernel/period.ts';
import { teamPartitionKey } from '../../ledger/io/ledger-item.ts';
import type { LedgerKey } from '../../ledger/ports.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import { countGroqKeyRows, foldGroqKeyUse, type GroqKeyUse } from '../groq-key-use.ts';
import type { GroqKeyUseReader, UsageCounter, UsageReader } from '../ports.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import { foldEnds, foldRows, NO_USAGE, type UsageRow } from '../usage.ts';
import { toAdjustmentRow, type UsageAdjustment } from '../usage-adjustment.ts';
import {
  adjustmentSortKey,
  daySortKey,
  endMarkerKey,
  groqKeyIncrement,
  hourSortKey,
  type MarkerKey,
  markCounted,
  parseGroqKeyUse,
  parseUsageRow,
  recordAdjustment,
  refusalMarkerKey,
  type UsageUpdate,
  usageIncrement,
} from './usage-item.ts';

/** A transaction has at most 100 items (DynamoDB quotas, read 2026-11-25). */
const MAX_TRANSACTION_ITEMS = 100;
/** Attempts at a transaction that other writers or throttling get in the way of. */
const MAX_ATTEMPTS = 12;

/**
 * Usage in a table of its own: `TEAM#<team>` / `DAY#<day>#<key>#<model>`, `GROQKEY#<hour>#<Groq key>`, and a mark for each end that has been counted,
 * `END#<team>#<id>` / kind. Rows and marks are written in one transaction, so an end that is told again, in whatever
 * order and company, is counted once.
 */
export class DynamoUsage implements UsageReader, UsageCounter, GroqKeyUseReader {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'usage');
    this.#nowEpochMs = nowEpochMs;
  }

  /**
   * Counts ends that have not been counted before; tells how many those were.
   *
   * @throws StoreError when some may not be counted; then all may be told again.
   */
  async count(ends: readonly LedgerEnd[]): Promise<number> {
    return await this.#count(ends, {
      markerKeyFor: endMarkerKey,
      itemsOf: (entry) => 2 + countGroqKeyRows(entry),
      toIncrements: (some) => [...foldEnds(some).map(usageIncrement), ...foldGroqKeyUse(some).map(groqKeyIncrement)],
    });
  }

  /**
   * Counts batches of refusals that have not been counted before; tells how many those were.
   *
   * @throws StoreError when some may not be counted; then all may be told again.
   */
  async countRefusals(batches: readonly RefusalBatch[]): Promise<number> {
    return await this.#count(batches, {
      markerKeyFor: refusalMarkerKey,
      itemsOf: ({ rows }) => 1 + rows.length,
      toIncrements: (some) =>
        foldRows(some.flatMap(({ team, rows }) => rows.map((row) => ({ ...NO_USAGE, team, ...row })))).map(
          usageIncrement,
        ),
    });
  }

  async #count<T>(entries: readonly T[], counting: CountStrategy<T>): Promise<number> {
    const told = [...new Map(entries.map((entry) => [JSON.stringify(counting.markerKeyFor(entry)), entry])).values()];
    let counted = 0;
    for (const some of splitIntoTransactions(told, counting)) counted += await this.#countAtOnce(some, counting);
    return counted;
  }

  async #countAtOnce<T>(entries: readonly T[], { markerKeyFor, toIncrements }: CountStrategy<T>): Promise<number> {
    const purpose = `count ${entries.length} ends or refusals`;
    let left = entries;
    return await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      if (left.length === 0) return 0;
      // Markers first: a failed condition is found by its index.
      const markers = left.map((entry) => markCounted(markerKeyFor(entry), this.#nowEpochMs()));
      const outcome = await this.#write(purpose, [...markers, ...toIncrements(left)]);
      if ('written' in outcome) return left.length;
      left = left.filter((_, index) => !outcome.failedConditions.has(index));
      return outcome.isContended ? undefined : RETRY_NOW;
    });
  }

  /** How many adjustments a ledger has had. */
  async countAdjustments({ team, period }: LedgerKey): Promise<number> {
    const sortKey = adjustmentSortKey(period);
    return (await this.#itemsOf(team, sortKey, sortKey)).length;
  }

  /**
   * Makes an adjustment; tells whether it was made, and not another of its number before.
   *
   * @throws StoreError when that is not sure; then the same may be told again, and tells false if it had been made.
   */
  async adjust(adjustment: UsageAdjustment): Promise<boolean> {
    const updates = [recordAdjustment(adjustment), usageIncrement(toAdjustmentRow(adjustment))];
    const purpose = `adjust the usage of ${adjustment.team}`;
    return await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      const outcome = await this.#write(purpose, updates);
      if ('written' in outcome) return true;
      return outcome.failedConditions.has(0) ? false : undefined;
    });
  }

  async #write(purpose: string, updates: readonly UsageUpdate[]): Promise<TransactionOutcome> {
    return await this.#table.transact(
      purpose,
      updates.map((Update) => ({ Update })),
    );
  }

  async listRows(team: string, from: Day, to: Day): Promise<readonly UsageRow[]> {
    return (await this.#itemsOf(team, daySortKey(from), daySortKey(to))).map((item) => parseUsageRow(team, item));
  }

  async readGroqKeyUse(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]> {
    return (await this.#itemsOf(team, hourSortKey(from), hourSortKey(to))).map(parseGroqKeyUse);
  }

  async #itemsOf(team: string, from: string, to: string): Promise<readonly Item[]> {
    return await this.#table.query(`read the usage of ${team}`, {
      ConsistentRead: false,
      KeyConditionExpression: '#pk = :team AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      // A tilde comes after all that can follow a day or an hour.
      ExpressionAttributeValues: {
        ':team': { S: teamPartitionKey(team) },
        ':from': { S: from },
        ':to': { S: `${to}#~` },
      },
    });
  }
}

/** How something is counted once. */
type CountStrategy<T> = {
  readonly markerKeyFor: (entry: T) => MarkerKey;
  /** How many items of a transaction one takes at most: its mark and its rows. */
  readonly itemsOf: (entry: T) => number;
  readonly toIncrements: (entries: readonly T[]) => readonly UsageUpdate[];
};

/** Splits what is told into what a transaction has room for. */
function splitIntoTransactions<T>(entries: readonly T[], { itemsOf }: CountStrategy<T>): readonly (readonly T[])[] {
  const batches: T[][] = [];
  let room = 0;
  for (const entry of entries) {
    const items = itemsOf(entry);
    if (items > room) {
      batches.push([]);
      room = MAX_TRANSACTION_ITEMS;
    }
    batches.at(-1)?.push(entry);
    room -= items;
  }
  return batches;
}
