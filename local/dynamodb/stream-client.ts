import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A record of a table's stream, in the format of a Lambda event. */
export type StreamRecord = {
  readonly dynamodb?: {
    readonly SequenceNumber?: string;
    /** In epoch seconds. */
    readonly ApproximateCreationDateTime?: number;
  };
};

/** A page of records and the iterator of the next one, which is undefined at the end of a closed shard. */
export type StreamPage = { readonly records: readonly StreamRecord[]; readonly next: string | undefined };

const REQUEST_TIMEOUT_MS = 10_000;
/** The batch size of the deployed event source. */
export const MAX_RECORDS_PER_PAGE = 100;

/**
 * Client of DynamoDB Streams, on this machine and on AWS. It uses the signer of a DynamoDB client: the SDK's own streams
 * client would be another dependency for three operations.
 */
export class StreamClient {
  readonly #client: DynamoDBClient;
  readonly #endpoint: URL;
  readonly #streamArn: string;

  /** `client` provides credentials and region. */
  constructor(client: DynamoDBClient, endpoint: string, streamArn: string) {
    this.#client = client;
    this.#endpoint = new URL(endpoint);
    this.#streamArn = streamArn;
  }

  /** Lists the ids of all shards. */
  async shardIds(): Promise<readonly string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const start = after === undefined ? {} : { ExclusiveStartShardId: after };
      const { StreamDescription: description = {} } = (await this.#call('DescribeStream', start)) as {
        StreamDescription?: { Shards?: readonly { ShardId: string }[]; LastEvaluatedShardId?: string };
      };
      ids.push(...(description.Shards ?? []).map(({ ShardId }) => ShardId));
      after = description.LastEvaluatedShardId;
    } while (after !== undefined);
    return ids;
  }

  /** Returns an iterator that starts after a record, or at the oldest record. */
  async iterator(shardId: string, afterSequenceNumber: string | undefined): Promise<string | undefined> {
    const start =
      afterSequenceNumber === undefined
        ? { ShardIteratorType: 'TRIM_HORIZON' }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: afterSequenceNumber };
    const answer = await this.#call('GetShardIterator', { ShardId: shardId, ...start });
    return (answer as { ShardIterator?: string }).ShardIterator;
  }

  async read(iterator: string): Promise<StreamPage> {
    const answer = await this.#call('GetRecords', { ShardIterator: iterator, Limit: MAX_RECORDS_PER_PAGE });
    const { Records = [], NextShardIterator } = answer as {
      Records?: readonly StreamRecord[];
      NextShardIterator?: string | null;
    };
    return { records: Records, next: NextShardIterator ?? undefined };
  }

  async #call(operation: string, input: object): Promise<unknown> {
    const body = JSON.stringify(operation === 'GetRecords' ? input : { StreamArn: this.#streamArn, ...input });
    const headers = await this.#signed(operation, body);
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(this.#endpoint, { method: 'POST', headers, body, signal });
    const text = await response.text();
    if (!response.ok) throw new Error(`${operation} answers ${response.status}: ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }

  async #signed(operation: string, body: string): Promise<Record<string, string>> {
    const { signer } = this.#client.config;
    const { hostname, protocol, host } = this.#endpoint;
    const request = {
      method: 'POST',
      protocol,
      hostname,
      path: '/',
      query: {},
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDBStreams_20120810.${operation}`,
      },
      body,
    };
    const { headers } = await (typeof signer === 'function' ? await signer() : signer).sign(request);
    const { host: _host, ...own } = headers;
    return own;
  }
}
