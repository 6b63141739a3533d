import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { DynamoDBClient, PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { CANARY_KEY_PREFIX, ORGANIZATION, PARTITION_KEY, SORT_KEY } from '../../contract.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import type { Identity } from '../identity.ts';
import { type KeyRecord, keyStatus } from '../key-record.ts';
import type { KeyNameReader, KeyStore } from '../key-store.ts';
import { hashKey, parseKeyId } from './gateway-key.ts';
import { keyPrimaryKey, parseKeyItem, teamListPrimaryKey, toKeyItem, toTeamListItem } from './key-item.ts';

const WRITE = 'write a key';
/** Compared with the hash of an unknown key, so that its refusal takes the same time. */
const DUMMY_HASH = hashKey(randomBytes(32).toString('hex'));

/** The gateway keys in the registry table. Of a key itself only the SHA-256 is stored. */
export class DynamoKeyStore implements KeyStore, KeyNameReader {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#nowEpochMs = nowEpochMs;
  }

  async identify(presentedKey: string): Promise<Identity | undefined> {
    const keyId = parseKeyId(presentedKey);
    if (keyId === undefined) return undefined;
    const item = await this.#get(keyId);
    const storedHash = item?.hash?.B === undefined ? DUMMY_HASH : Buffer.from(item.hash.B);
    if (!timingSafeEqual(hashKey(presentedKey), storedHash) || item === undefined) return undefined;
    const record = parseKeyItem(keyId, item);
    const { role, team, scope, expiresAtEpochMs } = record;
    if (['revoked', 'expired'].includes(keyStatus(record, this.#nowEpochMs()))) return undefined;
    // The canary function may write any item with this prefix, so such a key gets no other role or team.
    const isCanary = keyId.startsWith(CANARY_KEY_PREFIX);
    if (isCanary && (role !== 'member' || team !== CANARY_TEAM)) return undefined;
    return {
      keyId,
      role,
      ...(team === undefined ? {} : { team }),
      ...(scope === undefined ? {} : { scope }),
      ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }),
    };
  }

  /** Stores a key's record with the hash of the key, and lists it with its team. */
  async put(key: string, record: KeyRecord): Promise<void> {
    await this.#put(key, record);
  }

  /** Stores a key like {@link put}, unless a key with its id exists, whatever its status. */
  async putIfAbsent(key: string, record: KeyRecord): Promise<void> {
    await this.#put(key, record, {
      ConditionExpression: 'attribute_not_exists(#hash)',
      ExpressionAttributeNames: { '#hash': 'hash' },
    });
  }

  async #put(key: string, record: KeyRecord, condition: Partial<PutItemCommandInput> = {}): Promise<void> {
    // The list entry first: the removal of a team must find every key that works.
    await this.#table.put(WRITE, toTeamListItem(record));
    await this.#table.put(WRITE, toKeyItem(hashKey(key), record), condition);
  }

  /** Returns true if a key of this id exists, revoked or not. */
  async has(keyId: string): Promise<boolean> {
    return (await this.#get(keyId)) !== undefined;
  }

  /** Revokes a key. Idempotent: the first revocation's time stays. API Gateway may accept the key for up to 60 s more. */
  async revoke(keyId: string): Promise<void> {
    await this.#table.update(WRITE, keyPrimaryKey(keyId), {
      UpdateExpression: 'SET revokedAtMs = :now',
      ConditionExpression: 'attribute_exists(#hash) AND attribute_not_exists(revokedAtMs)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':now': { N: String(this.#nowEpochMs()) } },
    });
  }

  /** Returns the ids of all keys that a team has or had; undefined stands for keys without a team. */
  async listKeyIds(team: string | undefined): Promise<readonly string[]> {
    return [...(await this.listKeyNames(team)).keys()];
  }

  async listKeyNames(team: string | undefined): Promise<ReadonlyMap<string, string>> {
    const items = await this.#table.query(`list the keys of ${team ?? ORGANIZATION}`, {
      KeyConditionExpression: '#pk = :team AND begins_with(#sk, :key)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY, '#sk': SORT_KEY },
      ExpressionAttributeValues: { ':team': { S: `TEAM#${team ?? ORGANIZATION}` }, ':key': { S: 'KEY#' } },
    });
    return new Map(
      items.map((item) => {
        const keyId = item[SORT_KEY]?.S?.slice('KEY#'.length) ?? '';
        return [keyId, item.name?.S ?? keyId];
      }),
    );
  }

  /** Deletes a key without a trace: for keys that exist only during a check. */
  async remove(keyId: string, team: string): Promise<void> {
    await this.#table.delete(WRITE, keyPrimaryKey(keyId));
    await this.#table.delete(WRITE, teamListPrimaryKey(team, keyId));
  }

  async #get(keyId: string) {
    return await this.#table.get('read a key', keyPrimaryKey(keyId));
  }
}
