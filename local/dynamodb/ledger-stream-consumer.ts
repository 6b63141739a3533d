import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../lambda/contract.ts';
import { MAX_RECORDS_PER_PAGE, StreamClient, type StreamRecord } from './stream-client.ts';
import { StreamTrimmer } from './stream-trimmer.ts';
import type { TableNames } from './tables.ts';

/** Props of the consumer. */
export type LedgerStreamConsumerProps = {
  readonly stream: StreamClient;
  /** Client of the usage table, which also stores the consumer's position. */
  readonly client: DynamoDBClient;
  readonly usageTable: string;
  /** The projector's handler. */
  readonly project: (event: { readonly Records: readonly StreamRecord[] }) => Promise<unknown>;
  /** Called with the last record of each processed batch. */
  readonly onProcessed?: (sequenceNumber: string) => void;
  /** Called once when reading starts to fail, and again only after it has recovered. */
  readonly onFault: (error: unknown) => void;
};

/**
 * Pauses after a page that was not full, and after a failure, in milliseconds. As on Lambda, records are gathered for a
 * while: reading each immediately would contend with the writes of calls.
 */
const POLL_MS = 250;
const READ_RETRY_MS = 1_000;
/** Polls between lists of shards. The embedded database has one shard forever; others get a new one every few hours. */
const POLLS_PER_SHARD_LIST = 240;

/**
 * Delivers the records of the ledger's stream to the projector, as a Lambda event source does. It stores its position after
 * each batch and resumes there after a restart. Delivery is at least once; the projector is idempotent.
 */
class LedgerStreamConsumer {
  readonly #props: LedgerStreamConsumerProps;
  /** Iterators by shard; undefined at the end of a closed shard. */
  readonly #iterators = new Map<string, string | undefined>();
  readonly #running: Promise<void>;
  readonly #closing = new AbortController();

  constructor(props: LedgerStreamConsumerProps) {
    this.#props = props;
    this.#running = this.#run();
  }

  /** Reads to the end of the stream, and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let isFailing = false;
    for (let poll = 0; ; poll++) {
      let delivered = 0;
      try {
        if (poll % POLLS_PER_SHARD_LIST === 0 || isFailing) await this.#findShards();
        for (const shardId of this.#iterators.keys()) delivered += await this.#readShard(shardId);
        isFailing = false;
      } catch (error) {
        if (!isFailing && !this.#closing.signal.aborted) this.#props.onFault(error);
        isFailing = true;
        // Iterators expire, and do not survive the database: create new ones from the stored positions.
        this.#iterators.clear();
      }
      if (this.#closing.signal.aborted && (delivered === 0 || isFailing)) return;
      if (delivered < MAX_RECORDS_PER_PAGE) await this.#wait(isFailing ? READ_RETRY_MS : POLL_MS);
    }
  }

  async #findShards(): Promise<void> {
    const { stream } = this.#props;
    for (const shardId of await stream.shardIds()) {
      if (this.#iterators.has(shardId)) continue;
      this.#iterators.set(shardId, await stream.iterator(shardId, await this.#position(shardId)));
    }
  }

  async #readShard(shardId: string): Promise<number> {
    const iterator = this.#iterators.get(shardId);
    if (iterator === undefined) return 0;
    const { records, next } = await this.#props.stream.read(iterator);
    const last = records.at(-1)?.dynamodb?.SequenceNumber;
    if (last !== undefined) {
      await this.#props.project({ Records: records });
      await this.#setPosition(shardId, last);
      this.#props.onProcessed?.(last);
    }
    this.#iterators.set(shardId, next);
    return records.length;
  }

  async #position(shardId: string): Promise<string | undefined> {
    const { client, usageTable } = this.#props;
    const { Item } = await client.send(new GetItemCommand({ TableName: usageTable, Key: positionKey(shardId) }));
    return Item?.sequenceNumber?.S;
  }

  async #setPosition(shardId: string, sequenceNumber: string): Promise<void> {
    const { client, usageTable } = this.#props;
    const Item = { ...positionKey(shardId), sequenceNumber: { S: sequenceNumber } };
    await client.send(new PutItemCommand({ TableName: usageTable, Item }));
  }

  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

/**
 * Starts reading the ledger's stream. Returns a function that reads to the end and stops. `embeddedFile` is the file of an
 * embedded database, whose stream is trimmed.
 */
export function startLedgerStreamConsumer(
  client: DynamoDBClient,
  { ledgerTable, usageTable }: TableNames,
  streamArn: string,
  project: LedgerStreamConsumerProps['project'],
  embeddedFile: string | undefined,
): () => Promise<void> {
  const trimmer = embeddedFile === undefined ? undefined : new StreamTrimmer(embeddedFile, ledgerTable);
  const consumer = new LedgerStreamConsumer({
    stream: new StreamClient(client, process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '', streamArn),
    client,
    usageTable,
    project,
    onProcessed: (sequenceNumber) => trimmer?.deleteBefore(sequenceNumber),
    onFault: (error) =>
      console.error(JSON.stringify({ event: 'usage_stream_read_failed', error: String(error).slice(0, 300) })),
  });
  return async () => {
    await consumer.close();
    trimmer?.close();
  };
}

function positionKey(shardId: string) {
  return { [PARTITION_KEY]: { S: 'POSITION' }, [SORT_KEY]: { S: shardId } };
}
