import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../../contract.ts';
import { DynamoTable } from '../../kernel/io/dynamo-table.ts';
import type { IdempotencyOutcome, IdempotencyStore, IdempotentRequest } from '../idempotency-store.ts';

/** The time to live of an answer, in seconds: a day. */
const RESPONSE_TTL_S = 86_400;
/** The time that a request in progress blocks its retries, in milliseconds: longer than the function's timeout. */
const IN_PROGRESS_TIMEOUT_MS = 60_000;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The answers to requests with an Idempotency-Key, in the registry table. An answer contains a new team key, which is
 * stored nowhere else. It is therefore encrypted (AES-256-GCM) with a key derived from the caller's own key and the
 * Idempotency-Key, neither of which is stored.
 */
export class DynamoIdempotencyStore implements IdempotencyStore {
  readonly #table: DynamoTable;
  readonly #nowEpochMs: () => number;

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    this.#table = new DynamoTable(client, table, 'registry');
    this.#nowEpochMs = nowEpochMs;
  }

  async begin(idempotentRequest: IdempotentRequest): Promise<IdempotencyOutcome> {
    const nowEpochMs = this.#nowEpochMs();
    const item = {
      ...itemKey(idempotentRequest),
      ...commonAttributes(idempotentRequest, nowEpochMs),
      busyUntilMs: { N: String(nowEpochMs + IN_PROGRESS_TIMEOUT_MS) },
    };
    const outcome = await this.#table.put('begin an idempotent request', item, {
      // A request in progress past its timeout has crashed.
      ConditionExpression: 'attribute_not_exists(#pk) OR (attribute_not_exists(sealed) AND busyUntilMs <= :now)',
      ExpressionAttributeNames: { '#pk': PARTITION_KEY },
      ExpressionAttributeValues: { ':now': { N: String(nowEpochMs) } },
    });
    if ('written' in outcome) return 'begun';
    const begun = await this.#table.get('read the answer of an idempotent request', itemKey(idempotentRequest));
    if (begun?.request?.S !== digest(idempotentRequest.request)) return 'request_mismatch';
    return begun.sealed?.B === undefined ? 'busy' : { answer: unseal(idempotentRequest, Buffer.from(begun.sealed.B)) };
  }

  async complete(idempotentRequest: IdempotentRequest, answer: string): Promise<void> {
    const item = {
      ...itemKey(idempotentRequest),
      ...commonAttributes(idempotentRequest, this.#nowEpochMs()),
      sealed: { B: seal(idempotentRequest, answer) },
    };
    await this.#table.put('write the answer of an idempotent request', item);
  }

  async release(idempotentRequest: IdempotentRequest): Promise<void> {
    await this.#table.delete('remove an idempotent request', itemKey(idempotentRequest));
  }
}

function itemKey({ keyId, idempotencyKey }: IdempotentRequest) {
  return { [PARTITION_KEY]: { S: `IDEMPOTENCY#${keyId}` }, [SORT_KEY]: { S: digest(idempotencyKey) } };
}

function commonAttributes({ request }: IdempotentRequest, nowEpochMs: number) {
  return {
    request: { S: digest(request) },
    [TTL_ATTRIBUTE]: { N: String(Math.floor(nowEpochMs / 1000) + RESPONSE_TTL_S) },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sealingKey({ presentedKey, idempotencyKey }: IdempotentRequest, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', `${presentedKey}\n${idempotencyKey}`, salt, 'idempotent answer', 32));
}

function seal(idempotentRequest: IdempotentRequest, text: string): Buffer {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', sealingKey(idempotentRequest, salt), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), sealed]);
}

function unseal(idempotentRequest: IdempotentRequest, bytes: Buffer): string {
  const nonceAt = SALT_BYTES;
  const tagAt = nonceAt + NONCE_BYTES;
  const textAt = tagAt + TAG_BYTES;
  const decipher = createDecipheriv(
    'aes-256-gcm',
    sealingKey(idempotentRequest, bytes.subarray(0, nonceAt)),
    bytes.subarray(nonceAt, tagAt),
  );
  decipher.setAuthTag(bytes.subarray(tagAt, textAt));
  return Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]).toString('utf8');
}
