import { createHash, randomUUID } from 'node:crypto';
import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { CACHE_MS, PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { Cached } from '../../kernel/cached.ts';
import { type Catalog, parsePublishedCatalog } from '../../pricing/catalog.ts';
import { type Environment, type EnvironmentFile, parsePublishedEnvironment, type TeamPolicy } from '../environment.ts';
import type { PolicySource } from '../policy-source.ts';

/** The registry's store failed, or holds what cannot be read. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

type Published = { readonly environment: Environment; readonly catalog: Catalog };
/** Which set of policies is in force, and which was before it. */
type Pointer = { readonly version: string; readonly digest: string; readonly previous: string | undefined };

const POLICIES = 'POLICIES';
const POINTER_KEY = { [PARTITION_KEY]: { S: POLICIES }, [SORT_KEY]: { S: 'IN_FORCE' } };
/** DynamoDB's limit of writes in one batch (BatchWriteItem API reference, read 2026-11-23). */
const BATCH_SIZE = 25;
/** How often a batch that DynamoDB took only in part is tried again. */
const MAX_BATCH_TRIES = 8;

/**
 * The policies and the catalog in the registry table. Each publication is a partition of its own, and one item says which
 * is in force: readers see a whole set or another, never a mixture. The set before stays, for readers that have just been
 * told of it; those before that are removed, which can hit no other, since no publication's name is used twice.
 */
export class Registry implements PolicySource {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #published: Cached<Published>;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#published = new Cached(CACHE_MS, nowEpochMs, async () => {
      const published = await this.inForce();
      if (published === undefined) throw new RegistryError('no policies have been published');
      return published;
    });
  }

  async policies(): Promise<{ teams: ReadonlyMap<string, TeamPolicy>; catalog: Catalog }> {
    const { environment, catalog } = await this.#published.get();
    return { teams: environment.teams, catalog };
  }

  /** The set in force as it stands now, or undefined before the first. */
  async inForce(): Promise<Published | undefined> {
    const pointer = await this.#pointer();
    if (pointer === undefined) return undefined;
    const documents = await this.#documents(pointer.version);
    const catalog = parsePublishedCatalog(documents.get('CATALOG'));
    const teams: Record<string, unknown> = {};
    for (const [name, document] of documents) {
      if (name.startsWith('TEAM#')) teams[name.slice('TEAM#'.length)] = document;
    }
    const environment = { ...(documents.get('ENVIRONMENT') as object), teams };
    return { environment: parsePublishedEnvironment(environment, catalog), catalog };
  }

  /**
   * Puts an environment and a catalog, both parsed before, in force at one moment; the same set again changes nothing.
   *
   * @throws RegistryError when another publication comes between.
   */
  async publish(environment: EnvironmentFile, catalog: unknown): Promise<void> {
    const { teams, ...rest } = environment;
    const documents = new Map<string, unknown>([
      ['CATALOG', catalog],
      ['ENVIRONMENT', rest],
      ...Object.entries(teams).map(([team, policy]): [string, unknown] => [`TEAM#${team}`, policy]),
    ]);
    const digest = createHash('sha256')
      .update(JSON.stringify([...documents]))
      .digest('hex');
    const before = await this.#pointer();
    if (before?.digest === digest) return;
    const version = randomUUID();
    await this.#write(
      [...documents].map(([name, document]) => ({
        PutRequest: { Item: { ...documentKey(version, name), document: { S: JSON.stringify(document) } } },
      })),
    );
    await this.#pointTo({ version, digest, previous: before?.version }, before?.version);
    if (before?.previous === undefined) return;
    const old = await this.#documents(before.previous);
    await this.#write(
      [...old.keys()].map((name) => ({ DeleteRequest: { Key: documentKey(before.previous ?? '', name) } })),
    );
  }

  async #pointer(): Promise<Pointer | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: POINTER_KEY, ConsistentRead: true });
    try {
      const { Item } = await this.#client.send(command);
      if (Item?.version?.S === undefined) return undefined;
      return { version: Item.version.S, digest: Item.digest?.S ?? '', previous: Item.previous?.S };
    } catch (cause) {
      throw new RegistryError('cannot read which policies are in force', { cause });
    }
  }

  async #pointTo({ version, digest, previous }: Pointer, expected: string | undefined): Promise<void> {
    const condition =
      expected === undefined
        ? { ConditionExpression: 'attribute_not_exists(version)' }
        : { ConditionExpression: 'version = :expected', ExpressionAttributeValues: { ':expected': { S: expected } } };
    const Item = {
      ...POINTER_KEY,
      version: { S: version },
      digest: { S: digest },
      ...(previous === undefined ? {} : { previous: { S: previous } }),
    };
    try {
      await this.#client.send(new PutItemCommand({ TableName: this.#table, Item, ...condition }));
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) {
        // Two that publish the same set have both succeeded.
        if ((await this.#pointer())?.digest === digest) return;
        throw new RegistryError('another publication of policies came between; deploy again', { cause });
      }
      throw new RegistryError('cannot put the policies in force', { cause });
    }
  }

  async #write(writes: readonly WriteRequest[]): Promise<void> {
    for (let start = 0; start < writes.length; start += BATCH_SIZE)
      await this.#batch(writes.slice(start, start + BATCH_SIZE));
  }

  async #batch(writes: readonly WriteRequest[]): Promise<void> {
    let rest: WriteRequest[] = [...writes];
    for (let tries = 1; rest.length > 0; tries++) {
      if (tries > MAX_BATCH_TRIES) throw new RegistryError(`${rest.length} policies could not be written`);
      try {
        const answer = await this.#client.send(new BatchWriteItemCommand({ RequestItems: { [this.#table]: rest } }));
        rest = answer.UnprocessedItems?.[this.#table] ?? [];
      } catch (cause) {
        throw new RegistryError('cannot write the policies', { cause });
      }
    }
  }

  async #documents(version: string): Promise<ReadonlyMap<string, unknown>> {
    const documents = new Map<string, unknown>();
    try {
      const pages = paginateQuery(
        { client: this.#client },
        {
          TableName: this.#table,
          KeyConditionExpression: '#pk = :policies',
          ExpressionAttributeNames: { '#pk': PARTITION_KEY },
          ExpressionAttributeValues: { ':policies': { S: `${POLICIES}#${version}` } },
          ConsistentRead: true,
        },
      );
      for await (const page of pages) {
        for (const item of page.Items ?? [])
          documents.set(item[SORT_KEY]?.S ?? '', JSON.parse(item.document?.S ?? 'null'));
      }
    } catch (cause) {
      throw new RegistryError('cannot read the policies', { cause });
    }
    return documents;
  }
}

function documentKey(version: string, name: string) {
  return { [PARTITION_KEY]: { S: `${POLICIES}#${version}` }, [SORT_KEY]: { S: name } };
}
