import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { DynamoTable, type Item } from '../../kernel/io/dynamo-table.ts';
import type { TransactionOutcome } from '../../kernel/io/dynamo-transaction.ts';
import { RETRY_NOW } from '../../kernel/io/retry.ts';
import type { Day, Hour } from '../../kernel/period.ts';
import { teamPartitionKey } from '../../ledger/io/ledger-item.ts';
import type { LedgerKey } from '../../ledger/ports.ts';
import type { LedgerEnd } from '../../ledger/reservation-end.ts';
import type { GroqKeyUse } from '../groq-key-use.ts';
import type { GroqKeyUseReader, UsageCounter, UsageReader } from '../ports.ts';
import type { RefusalBatch } from '../refusal-tally.ts';
import type { UsageRow } from '../usage.ts';
import { toAdjustmentRow, type UsageAdjustment } from '../usage-adjustment.ts';
import { COUNT_ENDS, COUNT_REFUSALS, type CountStrategy, splitIntoTransactions } from './count-strategy.ts';
import { writeMarker } from './counted-marker.ts';
import { hourSortKey, parseGroqKeyUse } from './groq-key-use-item.ts';
import type { ItemUpdate } from './item-update.ts';
import { adjustmentSortKey, daySortKey, parseUsageRow, recordAdjustment, usageIncrement } from './usage-item.ts';

/** Maximum attempts at a transaction that conflicts with other writers or is throttled. */
const MAX_ATTEMPTS = 12;

/**
 * Usage in a table of its own: rows `TEAM#<team>` / `DAY#<day>#<key>#<model>` and `GROQKEY#<hour>#<Groq key>`, and a marker
 * `END#<team>#<id>` / kind for everything that has been counted. Rows and markers are written in one transaction, so an
 * end is counted exactly once, however often and in whatever order the stream delivers it.
 */
export class DynamoUsage implements UsageReader, UsageCounter, GroqKeyUseReader {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'usage');
    this.#nowEpochMs = nowEpochMs;
  }

  /**
   * Counts ends and returns how many had not been counted before.
   *
   * @throws StoreError if some may not have been counted. A retry is idempotent.
   */
  async count(ends: readonly LedgerEnd[]): Promise<number> {
    return await this.#count(ends, COUNT_ENDS);
  }

  /**
   * Counts batches of refusals and returns how many had not been counted before.
   *
   * @throws StoreError if some may not have been counted. A retry is idempotent.
   */
  async countRefusals(batches: readonly RefusalBatch[]): Promise<number> {
    return await this.#count(batches, COUNT_REFUSALS);
  }

  async #count<T>(entries: readonly T[], strategy: CountStrategy<T>): Promise<number> {
    let counted = 0;
    for (const group of splitIntoTransactions(entries, strategy)) counted += await this.#countGroup(group, strategy);
    return counted;
  }

  async #countGroup<T>(entries: readonly T[], { markerKeyFor, toIncrements }: CountStrategy<T>): Promise<number> {
    const purpose = `count ${entries.length} ends or refusals`;
    let uncounted = entries;
    return await this.#table.retry(purpose, MAX_ATTEMPTS, async () => {
      if (uncounted.length === 0) return 0;
      // Markers come first, so that the index of a failed condition is the index of its entry.
      const markers = uncounted.map((entry) => writeMarker(markerKeyFor(entry), this.#nowEpochMs()));
      const outcome = await this.#write(purpose, [...markers, ...toIncrements(uncounted)]);
      if ('written' in outcome) return uncounted.length;
      uncounted = uncounted.filter((_, index) => !outcome.failedConditions.has(index));
      return outcome.isContended ? undefined : RETRY_NOW;
    });
  }

  /** The number of a ledger's adjustments. */
  async countAdjustments({ team, period }: LedgerKey): Promise<number> {
    const sortKey = adjustmentSortKey(period);
    return (await this.#queryItems(team, sortKey, sortKey)).length;
  }

  /**
   * Makes an adjustment. Returns false if one with its sequence number exists.
   *
   * @throws StoreError if the outcome is unknown. A retry is safe, and returns false if the first attempt succeeded.
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

  async #write(purpose: string, updates: readonly ItemUpdate[]): Promise<TransactionOutcome> {
    return await this.#table.transact(
      purpose,
      updates.map((Update) => ({ Update })),
    );
  }

  async listRows(team: string, from: Day, to: Day): Promise<readonly UsageRow[]> {
    return (await this.#queryItems(team, daySortKey(from), daySortKey(to))).map((item) => parseUsageRow(team, item));
  }

  async readGroqKeyUse(team: string, from: Hour, to: Hour): Promise<readonly GroqKeyUse[]> {
    return (await this.#queryItems(team, hourSortKey(from), hourSortKey(to))).map(parseGroqKeyUse);
  }

  async #queryItems(team: string, from: string, to: string): Promise<readonly Item[]> {
    return await this.#table.query(`read the usage of ${team}`, {
      ConsistentRead: false,
      KeyConditionExpression: '#pk = :team AND #sk BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      // A tilde sorts after everything that follows a day or an hour.
      ExpressionAttributeValues: {
        ':team': { S: teamPartitionKey(team) },
        ':from': { S: from },
        ':to': { S: `${to}#~` },
      },
    });
  }
}
