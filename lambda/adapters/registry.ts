import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  paginateQuery,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { CACHE_MS, PARTITION_KEY, SORT_KEY } from '../contract.ts';
import { type Catalog, parseCatalog } from '../core/catalog.ts';
import { type EnvironmentFile, parseEnvironment, type TeamPolicy } from '../core/environment.ts';
import type { PolicySource } from '../core/ports.ts';
import { Cached } from './cached.ts';

/** The registry's store failed, or holds what cannot be read. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

type Policies = { readonly teams: ReadonlyMap<string, TeamPolicy>; readonly catalog: Catalog };

const POLICIES = 'POLICIES';
/** DynamoDB's limit of writes in one batch (BatchWriteItem API reference, read 2026-11-23). */
const BATCH_SIZE = 25;
/** How often a batch that DynamoDB took only in part is tried again. */
const MAX_BATCH_TRIES = 8;

/** The policies and the catalog in the registry table, read whole and kept 60 s. */
export class Registry implements PolicySource {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #policies: Cached<Policies>;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#policies = new Cached(CACHE_MS, nowEpochMs, () => this.#load());
  }

  async policies(): Promise<Policies> {
    return await this.#policies.get();
  }

  /** Writes an environment and a catalog, both parsed before, for every gateway to read. */
  async publish(environment: EnvironmentFile, catalog: unknown): Promise<void> {
    const { teams, ...organization } = environment;
    const documents = new Map<string, unknown>([
      ['CATALOG', catalog],
      ['ORGANIZATION', organization],
    ]);
    for (const [team, policy] of Object.entries(teams)) documents.set(`TEAM#${team}`, policy);
    const known = await this.#documents();
    const writes: WriteRequest[] = [...documents].map(([name, document]) => ({
      PutRequest: {
        Item: { [PARTITION_KEY]: { S: POLICIES }, [SORT_KEY]: { S: name }, document: { S: JSON.stringify(document) } },
      },
    }));
    for (const name of known.keys()) {
      if (documents.has(name)) continue;
      writes.push({ DeleteRequest: { Key: { [PARTITION_KEY]: { S: POLICIES }, [SORT_KEY]: { S: name } } } });
    }
    for (let start = 0; start < writes.length; start += BATCH_SIZE)
      await this.#batch(writes.slice(start, start + BATCH_SIZE));
  }

  async #batch(writes: WriteRequest[]): Promise<void> {
    let rest = writes;
    for (let tries = 1; rest.length > 0; tries++) {
      if (tries > MAX_BATCH_TRIES) throw new RegistryError(`${rest.length} policies could not be written`);
      const answer = await this.#client.send(new BatchWriteItemCommand({ RequestItems: { [this.#table]: rest } }));
      rest = answer.UnprocessedItems?.[this.#table] ?? [];
    }
  }

  async #documents(): Promise<ReadonlyMap<string, unknown>> {
    const documents = new Map<string, unknown>();
    try {
      const pages = paginateQuery(
        { client: this.#client },
        {
          TableName: this.#table,
          KeyConditionExpression: '#pk = :policies',
          ExpressionAttributeNames: { '#pk': PARTITION_KEY },
          ExpressionAttributeValues: { ':policies': { S: POLICIES } },
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

  async #load(): Promise<Policies> {
    const documents = await this.#documents();
    const organization = documents.get('ORGANIZATION');
    if (organization === undefined) throw new RegistryError('no policies have been published');
    const catalog = parseCatalog('registry', documents.get('CATALOG'));
    const teams: Record<string, unknown> = {};
    for (const [name, document] of documents) {
      if (name.startsWith('TEAM#')) teams[name.slice('TEAM#'.length)] = document;
    }
    const environment = parseEnvironment('registry', { ...(organization as object), teams }, catalog);
    return { teams: environment.teams, catalog };
  }
}

/** Writes a registry item that no one may replace unasked. */
export async function putItem(
  client: DynamoDBClient,
  table: string,
  item: NonNullable<ConstructorParameters<typeof PutItemCommand>[0]['Item']>,
): Promise<void> {
  try {
    await client.send(new PutItemCommand({ TableName: table, Item: item }));
  } catch (cause) {
    throw new RegistryError('cannot write the registry', { cause });
  }
}
