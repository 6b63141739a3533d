import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoKeyStore } from '../../access/io/dynamo-key-store.ts';
import { mintKey } from '../../access/io/gateway-key.ts';
import { keyPrimaryKey, parseKeyItem } from '../../access/io/key-item.ts';
import type { KeyRecord } from '../../access/key-record.ts';
import { mapInBatches } from '../../kernel/batches.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { KeyRepository } from '../key-ports.ts';

/** The maximum number of keys read concurrently. */
const READ_CONCURRENCY = 16;
/** The attributes of a key's item, except its hash. */
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

/** The team keys in the registry table. */
export class DynamoKeyRepository implements KeyRepository {
  readonly #table: DynamoTable;
  readonly #keys: DynamoKeyStore;
  readonly #environmentName: string;

  constructor(client: DynamoDBClient, table: string, environmentName: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#environmentName = environmentName;
    this.#keys = new DynamoKeyStore(client, table, nowEpochMs);
  }

  async read(keyId: string): Promise<KeyRecord | undefined> {
    const item = await this.#table.get('read a key', keyPrimaryKey(keyId), {
      ProjectionExpression: FIELDS.map((field) => `#${field}`).join(', '),
      ExpressionAttributeNames: Object.fromEntries(FIELDS.map((field) => [`#${field}`, field])),
    });
    return item === undefined ? undefined : parseKeyItem(keyId, item);
  }

  async list(team: string | undefined): Promise<readonly KeyRecord[]> {
    const records = await mapInBatches(await this.#keys.listKeyIds(team), READ_CONCURRENCY, (id) => this.read(id));
    // A key is added to the team's list before its record is written.
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
    const outcome = await this.#table.update('write a key', keyPrimaryKey(keyId), {
      UpdateExpression: 'SET rotatedTo = :by, retireAfterMs = :after',
      ConditionExpression:
        'attribute_exists(#hash) AND attribute_not_exists(rotatedTo) AND attribute_not_exists(revokedAtMs)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':by': { S: by }, ':after': { N: String(retireAfterEpochMs) } },
    });
    // Idempotent: the SDK may have retried a write that succeeded.
    return 'written' in outcome || (await this.read(keyId))?.rotatedTo === by;
  }
}
