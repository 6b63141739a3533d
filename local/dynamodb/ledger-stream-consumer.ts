import { setTimeout as sleep } from 'node:timers/promises';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../../lambda/contract.ts';
import { MAX_RECORDS_PER_PAGE, StreamClient, type StreamRecord } from './stream-client.ts';
import { StreamTrimmer } from './stream-trimmer.ts';

/** What is read, and who is told of it. */
export type LedgerStreamConsumerProps = {
  readonly stream: StreamClient;
  /** Of the table where the positions are kept: the usage's own. */
  readonly client: DynamoDBClient;
  readonly usageTable: string;
  /** The projector's handler. */
  readonly project: (event: { readonly Records: readonly StreamRecord[] }) => Promise<unknown>;
  /** Told of each record up to which all has been counted. */
  readonly onProcessed?: (sequenceNumber: string) => void;
  /** Told once each time the reading begins to fail. */
  readonly onFault: (error: unknown) => void;
};

/**
 * How long is waited unless there is a whole page to read, and where reading failed, in milliseconds. Ends are gathered, as
 * Lambda does: reading each at once would contend with the calls' own writes.
 */
const POLL_MS = 250;
const READ_RETRY_MS = 1_000;
/** After how many looks new shards are looked for: the embedded database has one for ever, others a new one in hours. */
const POLLS_PER_SHARD_LIST = 240;

/**
 * Hands the records of the ledger's stream to the projector, as Lambda's event source does. The position is kept after
 * each batch, so a restart goes on where it was; what is handed over twice is counted once.
 */
class LedgerStreamConsumer {
  readonly #props: LedgerStreamConsumerProps;
  /** The iterators of the shards that are read; undefined for one that is at its end. */
  readonly #iterators = new Map<string, string | undefined>();
  readonly #running: Promise<void>;
  readonly #closing = new AbortController();

  constructor(props: LedgerStreamConsumerProps) {
    this.#props = props;
    this.#running = this.#run();
  }

  /** Reads to the end, and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let isFailing = false;
    for (let look = 0; ; look++) {
      let handed = 0;
      try {
        if (look % POLLS_PER_SHARD_LIST === 0 || isFailing) await this.#findShards();
        for (const shardId of this.#iterators.keys()) handed += await this.#readShard(shardId);
        isFailing = false;
      } catch (error) {
        if (!isFailing && !this.#closing.signal.aborted) this.#props.onFault(error);
        isFailing = true;
        // Iterators end with time, and with the database: new ones are made from the positions.
        this.#iterators.clear();
      }
      if (this.#closing.signal.aborted && (handed === 0 || isFailing)) return;
      if (handed < MAX_RECORDS_PER_PAGE) await this.#wait(isFailing ? READ_RETRY_MS : POLL_MS);
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
 * Begins to read the ledger's stream of an environment; returns how to read it to the end and stop. `embeddedFile` is the
 * embedded database's, whose stream is kept short.
 */
export function startLedgerStreamConsumer(
  client: DynamoDBClient,
  environmentName: string,
  streamArn: string,
  project: LedgerStreamConsumerProps['project'],
  embeddedFile: string | undefined,
): () => Promise<void> {
  const trim = embeddedFile === undefined ? undefined : new StreamTrimmer(embeddedFile, `${environmentName}-ledger`);
  const tail = new LedgerStreamConsumer({
    stream: new StreamClient(client, process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '', streamArn),
    client,
    usageTable: `${environmentName}-usage`,
    project,
    onProcessed: (sequenceNumber) => trim?.deleteBefore(sequenceNumber),
    onFault: (error) =>
      console.error(JSON.stringify({ event: 'usage_stream_read_failed', error: String(error).slice(0, 300) })),
  });
  return async () => {
    await tail.close();
    trim?.close();
  };
}

function positionKey(shardId: string) {
  return { [PARTITION_KEY]: { S: 'POSITION' }, [SORT_KEY]: { S: shardId } };
}
