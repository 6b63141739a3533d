import { randomBytes } from 'node:crypto';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import type { JsonObject } from '../../lambda/kernel/json/json-object.ts';
import type { FakeKeys } from './keys.ts';

type CreatedKey = { readonly id: string; readonly name: string; readonly keyId: string };

/**
 * The key API of an upstream, in the shape that the source guide shows; Groq itself does not have one. A created key is
 * accepted at once, and a deleted key is refused.
 */
export class FakeKeyAdmin {
  readonly #keys: FakeKeys;
  readonly #created = new Map<string, CreatedKey>();

  constructor(keys: FakeKeys) {
    this.#keys = keys;
  }

  /** The response to a request for keys, or undefined for any other request. */
  answer(
    route: string,
    body: JsonObject | undefined,
  ): { readonly status: number; readonly content: object } | undefined {
    if (route === 'GET /openai/v1/api-keys')
      return { status: 200, content: { object: 'list', data: [...this.#created.values()].map(toKeyObject) } };
    if (route === 'POST /openai/v1/api-keys') return this.#create(body?.name);
    const id = /^DELETE \/openai\/v1\/api-keys\/([^/]+)$/.exec(route)?.[1];
    if (id === undefined) return undefined;
    const created = this.#created.get(id);
    if (created === undefined) return errorAnswer(404, 'There is no such key.');
    this.#created.delete(id);
    this.#keys.revoke(created.keyId);
    return { status: 200, content: { object: 'api_key', id, deleted: true } };
  }

  #create(name: unknown): { readonly status: number; readonly content: object } {
    if (typeof name !== 'string') return errorAnswer(400, "'name' : is required");
    const key = `gsk_${randomBytes(24).toString('hex')}`;
    const created = { id: `key_${randomBytes(6).toString('hex')}`, name, keyId: deriveGroqKeyId(key) };
    this.#created.set(created.id, created);
    this.#keys.allow(created.keyId);
    return { status: 201, content: { ...toKeyObject(created), key } };
  }
}

function toKeyObject({ id, name }: CreatedKey): object {
  return { object: 'api_key', id, name };
}

function errorAnswer(status: number, message: string): { readonly status: number; readonly content: object } {
  return { status, content: { error: { message, type: 'invalid_request_error' } } };
}
