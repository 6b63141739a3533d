import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY } from '../contract.ts';
import { type Identity, isRole } from '../core/identity.ts';
import type { KeyStore } from '../core/ports.ts';
import { putItem, RegistryError } from './registry.ts';

/** A key of the gateway's, and whom it stands for. */
export type TeamKeyRecord = Identity & {
  readonly name: string;
  readonly createdAtEpochMs: number;
  readonly expiresAtEpochMs?: number;
  readonly revokedAtEpochMs?: number;
};

/** `grk_<environment>_<keyId>_<43 base64url characters>`. */
const KEY_FORM = /^grk_[a-z0-9-]{1,32}_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
/** What is compared for a key that no one has, so that its refusal takes as long. */
const NO_HASH = createHash('sha256').update(randomBytes(32)).digest();

/** Keys in the registry table; of a key itself only the SHA-256 is stored. */
export class TeamKeys implements KeyStore {
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  async identify(presentedKey: string): Promise<Identity | undefined> {
    const keyId = KEY_FORM.exec(presentedKey)?.[1];
    if (keyId === undefined) return undefined;
    const item = await this.#get(keyId);
    const stored = item?.hash?.B === undefined ? NO_HASH : Buffer.from(item.hash.B);
    if (!timingSafeEqual(hashOf(presentedKey), stored) || item === undefined) return undefined;
    const expiresAtEpochMs = Number(item.expiresAtMs?.N ?? Number.POSITIVE_INFINITY);
    if (item.revokedAtMs !== undefined || expiresAtEpochMs <= this.#nowEpochMs()) return undefined;
    const role = item.role?.S;
    if (!isRole(role)) throw new RegistryError(`key ${keyId} has no role`);
    return { keyId, role, ...(item.team?.S === undefined ? {} : { team: item.team.S }) };
  }

  /** Stores a key's record with the hash of the key. */
  async put(key: string, record: TeamKeyRecord): Promise<void> {
    await putItem(this.#client, this.#table, {
      [PARTITION_KEY]: { S: `KEY#${record.keyId}` },
      [SORT_KEY]: { S: 'KEY' },
      hash: { B: hashOf(key) },
      role: { S: record.role },
      name: { S: record.name },
      createdAtMs: { N: String(record.createdAtEpochMs) },
      ...(record.team === undefined ? {} : { team: { S: record.team } }),
      ...(record.expiresAtEpochMs === undefined ? {} : { expiresAtMs: { N: String(record.expiresAtEpochMs) } }),
      ...(record.revokedAtEpochMs === undefined ? {} : { revokedAtMs: { N: String(record.revokedAtEpochMs) } }),
    });
  }

  async #get(keyId: string) {
    const Key = { [PARTITION_KEY]: { S: `KEY#${keyId}` }, [SORT_KEY]: { S: 'KEY' } };
    try {
      return (await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }))).Item;
    } catch (cause) {
      throw new RegistryError('cannot read a key', { cause });
    }
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
