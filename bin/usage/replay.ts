import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerRecord } from '../../lambda/ledger/io/reservation-end-item.ts';
import { parseRecords } from '../../lambda/usage/io/ledger-records.ts';
import type { UsageCounter } from '../../lambda/usage/ports.ts';
import type { StreamClient, StreamRecord } from '../../local/dynamodb/stream-client.ts';

/** The result of a replay. */
export type ReplayResult = {
  readonly records: number;
  /** Ends of calls and batches of refusals that had not been counted. */
  readonly counted: number;
  /** Malformed records, which cannot be counted. */
  readonly unreadable: number;
};

/** The team and the period to count; undefined means all. */
export type ReplayScope = { readonly team: string | undefined; readonly period: string | undefined };

/** Consecutive empty pages that mark the end of an open shard; DynamoDB may return some in its middle, too. */
const MAX_EMPTY_PAGES = 5;
const EMPTY_PAGE_DELAY_MS = 200;
/** A replay reads this many seconds past its start: a stream's timestamps are approximate, and clocks differ. */
const READ_AHEAD_S = 2;

/**
 * Reads the ledger's stream from its oldest record to its end, or to the time of the replay's start, and counts the records
 * that have not been counted. Counting is idempotent.
 *
 * @throws StoreError when the usage table fails; the replay can then be repeated.
 */
export async function replayStream(
  stream: StreamClient,
  usage: UsageCounter,
  scope: ReplayScope,
  onProgress: (records: number) => void,
): Promise<ReplayResult> {
  const untilEpochS = Date.now() / 1000 + READ_AHEAD_S;
  let replayed: ReplayResult = { records: 0, counted: 0, unreadable: 0 };
  for (const shardId of await stream.shardIds()) {
    let iterator = await stream.iterator(shardId, undefined);
    for (let empty = 0; iterator !== undefined && empty < MAX_EMPTY_PAGES; ) {
      const { records, next } = await stream.read(iterator);
      iterator = next;
      empty = records.length > 0 ? 0 : empty + 1;
      if (empty > 0 && next !== undefined) await sleep(EMPTY_PAGE_DELAY_MS);
      const { counted, unreadable } = await countRecords(records, usage, scope);
      replayed = {
        records: replayed.records + records.length,
        counted: replayed.counted + counted,
        unreadable: replayed.unreadable + unreadable,
      };
      onProgress(replayed.records);
      // A busy stream never ends; the projector counts newer records.
      if ((records.at(-1)?.dynamodb?.ApproximateCreationDateTime ?? 0) > untilEpochS) break;
    }
  }
  return replayed;
}

async function countRecords(
  records: readonly StreamRecord[],
  usage: UsageCounter,
  { team, period }: ReplayScope,
): Promise<Omit<ReplayResult, 'records'>> {
  let unreadable = 0;
  const images = records.map(({ dynamodb }) => ({ ...dynamodb }) as LedgerRecord);
  const { ends, refusals } = parseRecords(images, () => unreadable++);
  const isInScope = (name: string) => team === undefined || name === team;
  const selected = ends.filter(({ ledger }) => isInScope(ledger.team) && (period ?? ledger.period) === ledger.period);
  const counted =
    (await usage.count(selected)) + (await usage.countRefusals(refusals.filter((batch) => isInScope(batch.team))));
  return { counted, unreadable };
}
