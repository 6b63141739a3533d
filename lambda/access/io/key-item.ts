import { ORGANIZATION, PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import type { Item } from '../../kernel/io/dynamo-table.ts';
import { StoreError } from '../../kernel/store-error.ts';
import { isRole } from '../identity.ts';
import type { KeyRecord } from '../key-record.ts';
import { parseScope } from '../key-scope.ts';

/** Returns the primary key of a gateway key's item. */
export function keyPrimaryKey(keyId: string) {
  return { [PARTITION_KEY]: { S: `KEY#${keyId}` }, [SORT_KEY]: { S: 'KEY' } };
}

/** Returns the primary key of a gateway key's entry in the list of its team's keys. */
export function teamListPrimaryKey(team: string | undefined, keyId: string) {
  return { [PARTITION_KEY]: { S: `TEAM#${team ?? ORGANIZATION}` }, [SORT_KEY]: { S: `KEY#${keyId}` } };
}

/** Encodes the entry that lists a key with its team. */
export function toTeamListItem(record: KeyRecord): Item {
  return { ...teamListPrimaryKey(record.team, record.keyId), name: { S: record.name }, ...ttlAttribute(record) };
}

/** Encodes a new key's record with the hash of the key. {@link parseKeyItem} is the inverse. */
export function toKeyItem(hash: Uint8Array, record: KeyRecord): Item {
  return {
    ...keyPrimaryKey(record.keyId),
    hash: { B: hash },
    role: { S: record.role },
    name: { S: record.name },
    createdAtMs: { N: String(record.createdAtEpochMs) },
    ...ttlAttribute(record),
    ...(record.team === undefined ? {} : { team: { S: record.team } }),
    ...(record.scope === undefined ? {} : { scope: { S: JSON.stringify(record.scope) } }),
    ...(record.expiresAtEpochMs === undefined ? {} : { expiresAtMs: { N: String(record.expiresAtEpochMs) } }),
    ...(record.revokedAtEpochMs === undefined ? {} : { revokedAtMs: { N: String(record.revokedAtEpochMs) } }),
    ...(record.createdBy === undefined ? {} : { createdBy: { S: record.createdBy } }),
  };
}

/** Decodes a key's item, which may leave out the hash. @throws StoreError for a key without a role. */
export function parseKeyItem(keyId: string, item: Item): KeyRecord {
  const role = item.role?.S;
  if (!isRole(role)) throw new StoreError('registry', `key ${keyId} has no role`);
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

/** Only a temporary key's items are deleted after it expires; all others stay as history. */
function ttlAttribute({ isTemporary, expiresAtEpochMs }: KeyRecord): Item {
  return isTemporary === true && expiresAtEpochMs !== undefined
    ? { [TTL_ATTRIBUTE]: { N: String(Math.ceil(expiresAtEpochMs / 1000)) } }
    : {};
}
