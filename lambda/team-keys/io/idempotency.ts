import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { RegistryError } from '../../policy/io/registry.ts';
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
  readonly #client: DynamoDBClient;
  readonly #table: string;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#client = client;
    this.#table = table;
    this.#nowEpochMs = nowEpochMs;
  }

  async begin(once: Once): Promise<'begun' | 'busy' | 'other request' | { readonly answer: string }> {
    const nowEpochMs = this.#nowEpochMs();
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: { ...itemKey(once), ...facts(once, nowEpochMs), busyUntilMs: { N: String(nowEpochMs + BUSY_MS) } },
      // One that began and never ended has died.
      ConditionExpression: 'attribute_not_exists(#pk) OR (attribute_not_exists(sealed) AND busyUntilMs <= :now)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':now': { N: String(nowEpochMs) } },
    });
    try {
      await this.#client.send(command);
      return 'begun';
    } catch (cause) {
      if (!(cause instanceof ConditionalCheckFailedException))
        throw new RegistryError('cannot begin a request', { cause });
    }
    const item = await this.#read(once);
    if (item?.request?.S !== digest(once.request)) return 'other request';
    return item.sealed?.B === undefined ? 'busy' : { answer: unseal(once, Buffer.from(item.sealed.B)) };
  }

  async end(once: Once, answer: string): Promise<void> {
    const Item = { ...itemKey(once), ...facts(once, this.#nowEpochMs()), sealed: { B: seal(once, answer) } };
    await this.#write(new PutItemCommand({ TableName: this.#table, Item }));
  }

  async forget(once: Once): Promise<void> {
    await this.#write(new DeleteItemCommand({ TableName: this.#table, Key: itemKey(once) }));
  }

  async #read(once: Once) {
    try {
      const command = new GetItemCommand({ TableName: this.#table, Key: itemKey(once), ConsistentRead: true });
      return (await this.#client.send(command)).Item;
    } catch (cause) {
      throw new RegistryError('cannot read what a request was answered', { cause });
    }
  }

  async #write(command: PutItemCommand | DeleteItemCommand): Promise<void> {
    try {
      // Each is a command of one client; their union has no common send.
      await this.#client.send(command as PutItemCommand);
    } catch (cause) {
      throw new RegistryError('cannot write what a request was answered', { cause });
    }
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
