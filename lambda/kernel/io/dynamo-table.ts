import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { type Store, StoreError } from '../store-error.ts';
import { retryLostRaces } from './retry.ts';

/** An item of a table, or a part of one. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The outcome of a conditional write: the attributes asked for, or the item that failed the condition, if that was asked for. */
export type WriteOutcome = { readonly written: Item } | { readonly current: Item | undefined };

type Input<Command extends { TableName: unknown }> = Omit<Command, 'TableName' | 'Key' | 'Item'>;

/** DynamoDB's limit of writes in one batch (BatchWriteItem API reference, read 2026-11-23). */
const BATCH_SIZE = 25;
/** Attempts at the writes of a batch that DynamoDB left unprocessed. */
const BATCH_BOUNDS = { attempts: 8, pauseMs: 50 };

/**
 * One DynamoDB table. Reads are consistent; a failed condition is a value, any other failure a {@link StoreError}.
 * `purpose` completes the sentence "cannot …" of that error.
 */
export class DynamoTable {
  readonly client: DynamoDBClient;
  readonly name: string;
  readonly #store: Store;

  constructor(client: DynamoDBClient, name: string, store: Store) {
    this.client = client;
    this.name = name;
    this.#store = store;
  }

  async get(purpose: string, Key: Item, input: Input<GetItemCommandInput> = {}): Promise<Item | undefined> {
    const command = new GetItemCommand({ ConsistentRead: true, ...input, TableName: this.name, Key });
    return (await this.guard(purpose, () => this.client.send(command))).Item;
  }

  async put(purpose: string, Item: Item, input: Input<PutItemCommandInput> = {}): Promise<WriteOutcome> {
    const command = new PutItemCommand({ ...input, TableName: this.name, Item });
    return await this.#write(purpose, async () => (await this.client.send(command)).Attributes);
  }

  /** Updates an item; the write is given up after `timeoutMs`, if that is stated. */
  async update(
    purpose: string,
    Key: Item,
    input: Input<UpdateItemCommandInput>,
    timeoutMs?: number,
  ): Promise<WriteOutcome> {
    const command = new UpdateItemCommand({ ...input, TableName: this.name, Key });
    const options = timeoutMs === undefined ? {} : { abortSignal: AbortSignal.timeout(timeoutMs) };
    return await this.#write(purpose, async () => (await this.client.send(command, options)).Attributes);
  }

  async delete(purpose: string, Key: Item): Promise<void> {
    await this.guard(purpose, () => this.client.send(new DeleteItemCommand({ TableName: this.name, Key })));
  }

  /** The items of a query, read page by page until there are `limit` of them or no more. */
  async query(
    purpose: string,
    input: Omit<QueryCommandInput, 'TableName'>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<readonly Item[]> {
    return await this.guard(purpose, async () => {
      const items: Item[] = [];
      const pages = paginateQuery({ client: this.client }, { ConsistentRead: true, ...input, TableName: this.name });
      for await (const { Items = [] } of pages) {
        items.push(...Items);
        if (items.length >= limit) break;
      }
      return items.slice(0, limit);
    });
  }

  /** Makes unconditional writes in batches, each retried until DynamoDB has processed all of it. */
  async writeAll(purpose: string, writes: readonly WriteRequest[]): Promise<void> {
    for (let start = 0; start < writes.length; start += BATCH_SIZE) {
      let left = writes.slice(start, start + BATCH_SIZE);
      const isDone = await retryLostRaces(BATCH_BOUNDS, async () => {
        const command = new BatchWriteItemCommand({ RequestItems: { [this.name]: left } });
        const { UnprocessedItems } = await this.guard(purpose, () => this.client.send(command));
        left = UnprocessedItems?.[this.name] ?? [];
        return left.length === 0 ? true : undefined;
      });
      if (isDone === undefined) throw this.error(`${purpose}: ${left.length} writes were not processed`);
    }
  }

  /** Runs what talks to the table; whatever it throws becomes a {@link StoreError}. */
  async guard<T>(purpose: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw cause instanceof StoreError ? cause : this.error(purpose, cause);
    }
  }

  /** The error "cannot …" of this table's store. */
  error(purpose: string, cause?: unknown): StoreError {
    return new StoreError(this.#store, `cannot ${purpose}`, cause === undefined ? undefined : { cause });
  }

  async #write(purpose: string, send: () => Promise<Item | undefined>): Promise<WriteOutcome> {
    try {
      return { written: (await send()) ?? {} };
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) return { current: cause.Item };
      throw this.error(purpose, cause);
    }
  }
}
