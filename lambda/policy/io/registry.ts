import { createHash, randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CACHE_MS, PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { Cached } from '../../kernel/cached.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { type Catalog, parsePublishedCatalog } from '../../pricing/catalog.ts';
import { type Environment, type EnvironmentFile, parsePublishedEnvironment, type TeamPolicy } from '../environment.ts';
import type { PolicySource } from '../policy-source.ts';

type PublishedPolicies = { readonly environment: Environment; readonly catalog: Catalog };
/** Which set of policies is in force, and which was before it. */
type Pointer = { readonly version: string; readonly digest: string; readonly previous: string | undefined };

const POLICIES = 'POLICIES';
const POINTER_KEY = { [PARTITION_KEY]: { S: POLICIES }, [SORT_KEY]: { S: 'IN_FORCE' } };

/**
 * The policies and the catalog in the registry table. Each publication is a partition of its own, and one item says which
 * is in force: readers see a whole set or another, never a mixture. The set before stays, for readers that have just been
 * told of it; those before that are removed, which can hit no other, since no publication's name is used twice.
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

  /** The set in force as it stands now, or undefined before the first. */
  async readCurrent(): Promise<PublishedPolicies | undefined> {
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
   * @throws StoreError when another publication comes between.
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
    await this.#table.writeAll(
      'write the policies',
      [...documents].map(([name, document]) => ({
        PutRequest: { Item: { ...documentKey(version, name), document: { S: JSON.stringify(document) } } },
      })),
    );
    await this.#replacePointer({ version, digest, previous: before?.version }, before?.version);
    if (before?.previous === undefined) return;
    const old = await this.#documents(before.previous);
    await this.#table.writeAll(
      'remove the policies before the last',
      [...old.keys()].map((name) => ({ DeleteRequest: { Key: documentKey(before.previous ?? '', name) } })),
    );
  }

  async #pointer(): Promise<Pointer | undefined> {
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
    // Two that publish the same set have both succeeded.
    if ((await this.#pointer())?.digest === digest) return;
    throw new StoreError('registry', 'another publication of policies came between; deploy again');
  }

  async #documents(version: string): Promise<ReadonlyMap<string, unknown>> {
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
