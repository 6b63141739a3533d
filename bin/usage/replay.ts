import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerRecord } from '../../lambda/ledger/io/reservation-end-item.ts';
import { parseRecords } from '../../lambda/usage/io/ledger-records.ts';
import type { UsageCounter } from '../../lambda/usage/ports.ts';
import type { StreamClient, StreamRecord } from '../../local/dynamodb/stream-client.ts';

/** What a replay came to. */
export type ReplayResult = {
  readonly records: number;
  /** Ends of calls and batches of refusals that had not been counted before. */
  readonly counted: number;
  /** Records of which nothing can be read, nor counted. */
  readonly unreadable: number;
};

/** Whose ends are counted. */
export type ReplayScope = { readonly team: string | undefined; readonly period: string | undefined };

/** How many empty pages in a row mean an open shard's end: DynamoDB may answer some in the middle of one, too. */
const MAX_EMPTY_PAGES = 5;
const EMPTY_PAGE_DELAY_MS = 200;
/** How much later than its beginning a replay reads on, in seconds: times in a stream are rough, and clocks differ. */
const READ_AHEAD_S = 2;

/**
 * Reads the ledger's stream from its oldest record to its end, or to what was written since it began, and counts what has
 * not been counted: marks tell.
 *
 * @throws StoreError when the usage's table fails; then it can begin again.
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
      // Of a stream that goes on for ever the rest is the projector's affair.
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
  const isMeant = (of: string) => team === undefined || of === team;
  const meant = ends.filter(({ ledger }) => isMeant(ledger.team) && (period ?? ledger.period) === ledger.period);
  const counted =
    (await usage.count(meant)) + (await usage.countRefusals(refusals.filter((batch) => isMeant(batch.team))));
  return { counted, unreadable };
}
