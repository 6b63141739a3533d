import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** A record of a table's stream, as the event of a Lambda function has it. */
export type StreamRecord = {
  readonly dynamodb?: {
    readonly SequenceNumber?: string;
    /** In epoch seconds. */
    readonly ApproximateCreationDateTime?: number;
  };
};

/** Where reading goes on, and what was read; no `next` when a shard is closed and at its end. */
export type StreamPage = { readonly records: readonly StreamRecord[]; readonly next: string | undefined };

/** How long one call may take, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000;
/** As many as Lambda hands over at once. */
export const MAX_RECORDS_PER_PAGE = 100;

/**
 * DynamoDB's streams over HTTP, on this machine and on AWS: the SDK's client of streams would be one more dependency for
 * three calls, which the tables' own client can sign.
 */
export class StreamClient {
  readonly #client: DynamoDBClient;
  readonly #endpoint: URL;
  readonly #streamArn: string;

  /** `client` has the credentials and the region. */
  constructor(client: DynamoDBClient, endpoint: string, streamArn: string) {
    this.#client = client;
    this.#endpoint = new URL(endpoint);
    this.#streamArn = streamArn;
  }

  /** The ids of every shard that still has records. */
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

  /** An iterator that begins after a record, or with the oldest. */
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
