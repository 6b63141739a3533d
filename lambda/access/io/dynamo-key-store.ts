import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DynamoDBClient, PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import { CANARY_KEY_PREFIX, ORGANIZATION, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { CANARY_TEAM } from '../../policy/canary-team.ts';
import { type Identity, isRole } from '../identity.ts';
import type { KeyRecord } from '../key-record.ts';
import { parseScope } from '../key-scope.ts';
import type { KeyNameReader, KeyStore } from '../key-store.ts';

/** `grk_<environment>_<keyId>_<43 base64url characters>`. */
const KEY_PATTERN = /^grk_[a-z0-9-]{1,32}_([a-z0-9]{12})_[A-Za-z0-9_-]{43}$/;
const KEY_ID_LENGTH = 12;
const WRITE = 'write a key';
/** What is compared for a key that no one has, so that its refusal takes as long. */
const DUMMY_HASH = createHash('sha256').update(randomBytes(32)).digest();

/** Keys in the registry table; of a key itself only the SHA-256 is stored. */
export class DynamoKeyStore implements KeyStore, KeyNameReader {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#nowEpochMs = nowEpochMs;
  }

  async identify(presentedKey: string): Promise<Identity | undefined> {
    const keyId = KEY_PATTERN.exec(presentedKey)?.[1];
    if (keyId === undefined) return undefined;
    const item = await this.#get(keyId);
    const stored = item?.hash?.B === undefined ? DUMMY_HASH : Buffer.from(item.hash.B);
    if (!timingSafeEqual(hashKey(presentedKey), stored) || item === undefined) return undefined;
    const expiresAtEpochMs = item.expiresAtMs?.N === undefined ? undefined : Number(item.expiresAtMs.N);
    if (item.revokedAtMs !== undefined) return undefined;
    if (expiresAtEpochMs !== undefined && expiresAtEpochMs <= this.#nowEpochMs()) return undefined;
    const role = item.role?.S;
    // Whoever may make canary keys may make none that does more.
    const isCanary = keyId.startsWith(CANARY_KEY_PREFIX);
    if (isCanary && (role !== 'member' || item.team?.S !== CANARY_TEAM)) return undefined;
    if (!isRole(role)) throw new StoreError('registry', `key ${keyId} has no role`);
    return {
      keyId,
      role,
      ...(item.team?.S === undefined ? {} : { team: item.team.S }),
      ...(item.scope?.S === undefined ? {} : { scope: parseScope(item.scope.S) }),
      ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }),
    };
  }

  /** Stores a key's record with the hash of the key, and lists it with its team. */
  async put(key: string, record: KeyRecord): Promise<void> {
    await this.#put(key, record);
  }

  /** The same, unless there is a key of this id, whatever has become of it. */
  async putIfAbsent(key: string, record: KeyRecord): Promise<void> {
    await this.#put(key, record, {
      ConditionExpression: 'attribute_not_exists(#hash)',
      ExpressionAttributeNames: { '#hash': 'hash' },
    });
  }

  async #put(key: string, record: KeyRecord, condition: Partial<PutItemCommandInput> = {}): Promise<void> {
    const ends =
      record.isTemporary === true && record.expiresAtEpochMs !== undefined
        ? { [TTL_ATTRIBUTE]: { N: String(Math.ceil(record.expiresAtEpochMs / 1000)) } }
        : {};
    // First the list: a key that works must be found when its team is removed.
    await this.#table.put(WRITE, {
      ...teamListPrimaryKey(record.team, record.keyId),
      name: { S: record.name },
      ...ends,
    });
    const item = {
      ...keyPrimaryKey(record.keyId),
      hash: { B: hashKey(key) },
      role: { S: record.role },
      name: { S: record.name },
      createdAtMs: { N: String(record.createdAtEpochMs) },
      ...ends,
      ...(record.team === undefined ? {} : { team: { S: record.team } }),
      ...(record.scope === undefined ? {} : { scope: { S: JSON.stringify(record.scope) } }),
      ...(record.expiresAtEpochMs === undefined ? {} : { expiresAtMs: { N: String(record.expiresAtEpochMs) } }),
      ...(record.revokedAtEpochMs === undefined ? {} : { revokedAtMs: { N: String(record.revokedAtEpochMs) } }),
      ...(record.createdBy === undefined ? {} : { createdBy: { S: record.createdBy } }),
    };
    await this.#table.put(WRITE, item, condition);
  }

  /** Whether there is a key of this id, revoked or not. */
  async has(keyId: string): Promise<boolean> {
    return (await this.#get(keyId)) !== undefined;
  }

  /** Revokes a key; one that is revoked already keeps its time. API Gateway may go on taking it for up to 60 s. */
  async revoke(keyId: string): Promise<void> {
    await this.#table.update(WRITE, keyPrimaryKey(keyId), {
      UpdateExpression: 'SET revokedAtMs = :now',
      ConditionExpression: 'attribute_exists(#hash) AND attribute_not_exists(revokedAtMs)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':now': { N: String(this.#nowEpochMs()) } },
    });
  }

  /** The ids of every key a team has or had. */
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

  /** Takes a key away without a trace: for one that was made for a single check. */
  async remove(keyId: string, team: string): Promise<void> {
    await this.#table.delete(WRITE, keyPrimaryKey(keyId));
    await this.#table.delete(WRITE, teamListPrimaryKey(team, keyId));
  }

  async #get(keyId: string) {
    return await this.#table.get('read a key', keyPrimaryKey(keyId));
  }
}

/** A new key; `prefix` begins its id, which is 12 lower-case letters and digits. */
export function mintKey(environmentName: string, prefix = ''): { readonly key: string; readonly keyId: string } {
  return buildKey(environmentName, `${prefix}${randomBytes(6).toString('hex')}`);
}

/** A new key whose id follows from a text, so that whoever repeats an act makes no second one. */
export function mintKeyWithDerivedId(
  environmentName: string,
  text: string,
): { readonly key: string; readonly keyId: string } {
  return buildKey(environmentName, hashKey(text).toString('hex'));
}

function buildKey(environmentName: string, id: string) {
  const keyId = id.slice(0, KEY_ID_LENGTH);
  return { key: `grk_${environmentName}_${keyId}_${randomBytes(32).toString('base64url')}`, keyId };
}

/** The key of a gateway key's own item. */
export function keyPrimaryKey(keyId: string) {
  return { [PARTITION_KEY]: { S: `KEY#${keyId}` }, [SORT_KEY]: { S: 'KEY' } };
}

function teamListPrimaryKey(team: string | undefined, keyId: string) {
  return { [PARTITION_KEY]: { S: `TEAM#${team ?? ORGANIZATION}` }, [SORT_KEY]: { S: `KEY#${keyId}` } };
}

function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
