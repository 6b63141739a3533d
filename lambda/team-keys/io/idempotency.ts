import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { IdempotencyStore, Once } from '../idempotency-store.ts';

/** How long an answer can be had again, in seconds: a day. */
const KEEP_S = 86_400;
/** How long a request that has begun keeps another from beginning, in milliseconds: longer than the function runs. */
const BUSY_MS = 60_000;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Answers of requests that were told by an Idempotency-Key, in the registry table. An answer holds a new key, which is
 * stored nowhere else: so it is sealed by a key that follows from the caller's own key and its Idempotency-Key, neither
 * of which is stored.
 */
export class DynamoIdempotency implements IdempotencyStore {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#nowEpochMs = nowEpochMs;
  }

  async begin(once: Once): Promise<'begun' | 'busy' | 'other request' | { readonly answer: string }> {
    const nowEpochMs = this.#nowEpochMs();
    const item = { ...itemKey(once), ...facts(once, nowEpochMs), busyUntilMs: { N: String(nowEpochMs + BUSY_MS) } };
    const outcome = await this.#table.put('begin a request', item, {
      // One that began and never ended has died.
      ConditionExpression: 'attribute_not_exists(#pk) OR (attribute_not_exists(sealed) AND busyUntilMs <= :now)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':now': { N: String(nowEpochMs) } },
    });
    if ('written' in outcome) return 'begun';
    const begun = await this.#table.get('read the answer of a request', itemKey(once));
    if (begun?.request?.S !== digest(once.request)) return 'other request';
    return begun.sealed?.B === undefined ? 'busy' : { answer: unseal(once, Buffer.from(begun.sealed.B)) };
  }

  async end(once: Once, answer: string): Promise<void> {
    const item = { ...itemKey(once), ...facts(once, this.#nowEpochMs()), sealed: { B: seal(once, answer) } };
    await this.#table.put('write the answer of a request', item);
  }

  async forget(once: Once): Promise<void> {
    await this.#table.delete('remove a request', itemKey(once));
  }
}

function itemKey({ keyId, idempotencyKey }: Once) {
  return { [PARTITION_KEY]: { S: `IDEMPOTENCY#${keyId}` }, [SORT_KEY]: { S: digest(idempotencyKey) } };
}

function facts({ request }: Once, nowEpochMs: number) {
  return { request: { S: digest(request) }, [TTL_ATTRIBUTE]: { N: String(Math.floor(nowEpochMs / 1000) + KEEP_S) } };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sealingKey({ presentedKey, idempotencyKey }: Once, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', `${presentedKey}\n${idempotencyKey}`, salt, 'idempotent answer', 32));
}

function seal(once: Once, text: string): Buffer {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', sealingKey(once, salt), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), sealed]);
}

function unseal(once: Once, bytes: Buffer): string {
  const nonceAt = SALT_BYTES;
  const tagAt = nonceAt + NONCE_BYTES;
  const textAt = tagAt + TAG_BYTES;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    sealingKey(once, bytes.subarray(0, nonceAt)),
    bytes.subarray(nonceAt, tagAt),
  );
  decipher.setAuthTag(bytes.subarray(tagAt, textAt));
  return Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]).toString('utf8');
}
