import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { isRole } from '../../access/identity.ts';
import { keyItemKey, mintKey, TeamKeys } from '../../access/io/team-keys.ts';
import type { KeyRecord } from '../../access/key-record.ts';
import { parseScope } from '../../access/key-scope.ts';
import { inBatches } from '../../kernel/in-batches.ts';
import { RegistryError } from '../../policy/io/registry.ts';
import type { KeyShelf } from '../key-operations.ts';

/** How many keys are read at once. */
const READS_AT_ONCE = 16;
/** All of a key's item but its hash, which nobody who lists keys has a use for. */
const FIELDS = [
  'role',
  'team',
  'scope',
  'name',
  'createdAtMs',
  'createdBy',
  'expiresAtMs',
  'revokedAtMs',
  'rotatedTo',
  'retireAfterMs',
];

/** The keys of the registry table, for those who administer them. */
export class DynamoKeyShelf implements KeyShelf {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #keys: TeamKeys;
  readonly #environmentName: string;

  constructor(client: DynamoDBClient, table: string, environmentName: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#environmentName = environmentName;
    this.#keys = new TeamKeys(client, table, nowEpochMs);
  }

  async read(keyId: string): Promise<KeyRecord | undefined> {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: keyItemKey(keyId),
      ConsistentRead: true,
      ProjectionExpression: FIELDS.map((field) => `#${field}`).join(', '),
      ExpressionAttributeNames: Object.fromEntries(FIELDS.map((field) => [`#${field}`, field])),
    });
    try {
      const { Item } = await this.#client.send(command);
      return Item === undefined ? undefined : recordOf(keyId, Item);
    } catch (cause) {
      throw new RegistryError('cannot read a key', { cause });
    }
  }

  async list(team: string | undefined): Promise<readonly KeyRecord[]> {
    const records = await inBatches(await this.#keys.idsOf(team), READS_AT_ONCE, (id) => this.read(id));
    // One that is listed and not there is just being made.
    return records.filter((record) => record !== undefined);
  }

  mint(): { readonly key: string; readonly keyId: string } {
    return mintKey(this.#environmentName);
  }

  async put(key: string, record: KeyRecord): Promise<void> {
    await this.#keys.put(key, record);
  }

  async revoke(keyId: string): Promise<void> {
    await this.#keys.revoke(keyId);
  }

  async replace(keyId: string, by: string, retireAfterEpochMs: number): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: keyItemKey(keyId),
      UpdateExpression: 'SET rotatedTo = :by, retireAfterMs = :after',
      ConditionExpression:
        'attribute_exists(#hash) AND attribute_not_exists(rotatedTo) AND attribute_not_exists(revokedAtMs)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':by': { S: by }, ':after': { N: String(retireAfterEpochMs) } },
    });
    try {
      await this.#client.send(command);
      return true;
    } catch (cause) {
      if (!(cause instanceof ConditionalCheckFailedException)) throw new RegistryError('cannot write a key', { cause });
      // The same rotation told twice is one.
      return (await this.read(keyId))?.rotatedTo === by;
    }
  }
}

function recordOf(keyId: string, item: Readonly<Record<string, AttributeValue>>): KeyRecord {
  const role = item.role?.S;
  if (!isRole(role)) throw new RegistryError(`key ${keyId} has no role`);
  const text = (field: string) => (item[field]?.S === undefined ? {} : { [field]: item[field].S });
  const time = (field: string, name: string) => (item[field]?.N === undefined ? {} : { [name]: Number(item[field].N) });
  return {
    keyId,
    role,
    name: item.name?.S ?? '',
    createdAtEpochMs: Number(item.createdAtMs?.N ?? 0),
    ...text('team'),
    ...text('createdBy'),
    ...text('rotatedTo'),
    ...(item.scope?.S === undefined ? {} : { scope: parseScope(item.scope.S) }),
    ...time('expiresAtMs', 'expiresAtEpochMs'),
    ...time('revokedAtMs', 'revokedAtEpochMs'),
    ...time('retireAfterMs', 'retireAfterEpochMs'),
  };
}
