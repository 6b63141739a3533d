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
  TransactionConflictException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { type Store, StoreError } from '../store-error.ts';
import { lostTransaction, type TransactionOutcome, type TransactionPart, transactItems } from './dynamo-transaction.ts';
import { type RETRY_NOW, retryLostRaces } from './retry.ts';

/** An item of a table, or a part of one. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The outcome of a conditional write: the attributes or the item that failed the condition, each if the input asks for it. */
export type WriteOutcome = { readonly written: Item } | { readonly current: Item | undefined };

type Input<Command extends { TableName: unknown }> = Omit<Command, 'TableName' | 'Key' | 'Item'>;

/** DynamoDB's limit for the writes of one batch (BatchWriteItem API reference, read 2026-11-23). */
const BATCH_SIZE = 25;
/** Bounds of the retries of writes that DynamoDB left unprocessed. */
const BATCH_BOUNDS = { attempts: 8, pauseMs: 50 };
/** The longest pause after the first lost race, in milliseconds. */
const RACE_PAUSE_MS = 20;
/** Attempts at a write that meets a transaction on its item. */
const MAX_CONFLICT_ATTEMPTS = 12;

/**
 * One DynamoDB table. Reads are consistent. A failed condition is a value, any other failure is a {@link StoreError}, and
 * `purpose` completes its message "cannot …".
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

  /** Updates an item; aborts after `timeoutMs`, if given. */
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

  /** Returns up to `limit` items of a query, read page by page. */
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

  /** Makes unconditional writes in batches, and retries each batch until DynamoDB has processed all of it. */
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

  /** Makes all writes of a transaction, or none. */
  async transact(purpose: string, parts: readonly TransactionPart[]): Promise<TransactionOutcome> {
    const command = new TransactWriteItemsCommand({ TransactItems: transactItems(this.name, parts) });
    try {
      await this.client.send(command);
      return { written: true };
    } catch (cause) {
      const lost = lostTransaction(cause);
      if (lost === undefined) throw this.error(purpose, cause);
      return lost;
    }
  }

  /**
   * Repeats an attempt that lost a race until it returns a result; see {@link retryLostRaces}.
   *
   * @throws StoreError when every attempt lost.
   */
  async retry<T>(
    purpose: string,
    attempts: number,
    attempt: () => Promise<T | typeof RETRY_NOW | undefined>,
  ): Promise<T> {
    const result = await retryLostRaces({ attempts, pauseMs: RACE_PAUSE_MS }, attempt);
    if (result === undefined) throw this.error(`${purpose}: lost a race ${attempts} times`);
    return result;
  }

  /** Runs a request to the table; turns any error into a {@link StoreError}. */
  async guard<T>(purpose: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (cause) {
      throw cause instanceof StoreError ? cause : this.error(purpose, cause);
    }
  }

  /** Builds the error "cannot …" of this table's store. */
  error(purpose: string, cause?: unknown): StoreError {
    return new StoreError(this.#store, `cannot ${purpose}`, cause === undefined ? undefined : { cause });
  }

  /** Makes a write; one that meets a transaction on its item is refused by DynamoDB and retried. */
  async #write(purpose: string, send: () => Promise<Item | undefined>): Promise<WriteOutcome> {
    return await this.retry(purpose, MAX_CONFLICT_ATTEMPTS, async () => {
      try {
        return { written: (await send()) ?? {} };
      } catch (cause) {
        if (cause instanceof ConditionalCheckFailedException) return { current: cause.Item };
        if (cause instanceof TransactionConflictException) return undefined;
        throw this.error(purpose, cause);
      }
    });
  }
}
