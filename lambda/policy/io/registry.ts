import { createHash, randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CACHE_MS, PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { Cached } from '../../kernel/cached.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { StoreError } from '../../kernel/store-error.ts';
import type { Catalog } from '../../pricing/catalog.ts';
import { parsePublishedCatalog, toPublishedCatalog } from '../../pricing/published-catalog.ts';
import { type Environment, type EnvironmentFile, parsePublishedEnvironment, type TeamPolicy } from '../environment.ts';
import type { PolicySource } from '../policy-source.ts';

type PublishedPolicies = { readonly environment: Environment; readonly catalog: Catalog };
/** The set of policies in force, and the set before it. */
type Pointer = { readonly version: string; readonly digest: string; readonly previous: string | undefined };

const POLICIES = 'POLICIES';
const POINTER_KEY = { [PARTITION_KEY]: { S: POLICIES }, [SORT_KEY]: { S: 'IN_FORCE' } };

/**
 * The policies and the catalog in the registry table. Each publication is a partition of its own, and one pointer item
 * names the one in force, so readers never see a mixture of two. The previous publication stays for readers that have
 * just read the pointer. Older ones are deleted; no two publications share a name.
 */
export class Registry implements PolicySource {
  readonly #table: DynamoTable;
  readonly #published: Cached<PublishedPolicies>;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#published = new Cached(CACHE_MS, nowEpochMs, async () => {
      const published = await this.readCurrent();
      if (published === undefined) throw new StoreError('registry', 'no policies have been published');
      return published;
    });
  }

  async policies(): Promise<{ teams: ReadonlyMap<string, TeamPolicy>; catalog: Catalog }> {
    const { environment, catalog } = await this.#published.get();
    return { teams: environment.teams, catalog };
  }

  /** Reads the set in force; undefined before the first publication. */
  async readCurrent(): Promise<PublishedPolicies | undefined> {
    const pointer = await this.#readPointer();
    if (pointer === undefined) return undefined;
    const documents = await this.#readDocuments(pointer.version);
    const catalog = parsePublishedCatalog(documents.get('CATALOG'));
    const teams: Record<string, unknown> = {};
    for (const [name, document] of documents) {
      if (name.startsWith('TEAM#')) teams[name.slice('TEAM#'.length)] = document;
    }
    const environment = { ...(documents.get('ENVIRONMENT') as object), teams };
    return { environment: parsePublishedEnvironment(environment, catalog), catalog };
  }

  /**
   * Publishes an environment and a catalog, both already validated, atomically. Idempotent: the same set changes nothing.
   *
   * @throws StoreError when another publication is made at the same time.
   */
  async publish(environment: EnvironmentFile, catalog: unknown): Promise<void> {
    const { teams, ...rest } = environment;
    const documents = new Map<string, unknown>([
      ['CATALOG', toPublishedCatalog(catalog)],
      ['ENVIRONMENT', rest],
      ...Object.entries(teams).map(([team, policy]): [string, unknown] => [`TEAM#${team}`, policy]),
    ]);
    const digest = createHash('sha256')
      .update(JSON.stringify([...documents]))
      .digest('hex');
    const before = await this.#readPointer();
    if (before?.digest === digest) return;
    const version = randomUUID();
    await this.#table.writeAll(
      'write the policies',
      [...documents].map(([name, document]) => ({
        PutRequest: { Item: { ...documentKey(version, name), document: { S: JSON.stringify(document) } } },
      })),
    );
    await this.#replacePointer({ version, digest, previous: before?.version }, before?.version);
    if (before?.previous === undefined) return;
    const old = await this.#readDocuments(before.previous);
    await this.#table.writeAll(
      'remove the policies before the last',
      [...old.keys()].map((name) => ({ DeleteRequest: { Key: documentKey(before.previous ?? '', name) } })),
    );
  }

  async #readPointer(): Promise<Pointer | undefined> {
    const item = await this.#table.get('read which policies are in force', POINTER_KEY);
    if (item?.version?.S === undefined) return undefined;
    return { version: item.version.S, digest: item.digest?.S ?? '', previous: item.previous?.S };
  }

  async #replacePointer({ version, digest, previous }: Pointer, expected: string | undefined): Promise<void> {
    const condition =
      expected === undefined
        ? { ConditionExpression: 'attribute_not_exists(version)' }
        : { ConditionExpression: 'version = :expected', ExpressionAttributeValues: { ':expected': { S: expected } } };
    const item = {
      ...POINTER_KEY,
      version: { S: version },
      digest: { S: digest },
      ...(previous === undefined ? {} : { previous: { S: previous } }),
    };
    const outcome = await this.#table.put('put the policies in force', item, condition);
    if ('written' in outcome) return;
    // Lost a race against a publication of the same set: both have succeeded.
    if ((await this.#readPointer())?.digest === digest) return;
    throw new StoreError('registry', 'another publication of policies came between; deploy again');
  }

  async #readDocuments(version: string): Promise<ReadonlyMap<string, unknown>> {
    const items = await this.#table.query('read the policies', {
      KeyConditionExpression: '#pk = :policies',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':policies': { S: `${POLICIES}#${version}` } },
    });
    return new Map(items.map((item) => [item[SORT_KEY]?.S ?? '', JSON.parse(item.document?.S ?? 'null')]));
  }
}

function documentKey(version: string, name: string) {
  return { [PARTITION_KEY]: { S: `${POLICIES}#${version}` }, [SORT_KEY]: { S: name } };
}
