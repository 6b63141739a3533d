import { randomBytes } from 'node:crypto';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import type { JsonObject } from '../../lambda/kernel/json-object.ts';
import type { FakeKeys } from './keys.ts';

type CreatedKey = { readonly id: string; readonly name: string; readonly keyId: string };

/**
 * The API by which an upstream may let keys be made, listed and deleted, in the shape that the source guide shows: Groq
 * itself does not serve it. A key that is made is taken from then on, and one that is deleted no more.
 */
export class FakeKeyAdmin {
  readonly #keys: FakeKeys;
  readonly #made = new Map<string, CreatedKey>();

  constructor(keys: FakeKeys) {
    this.#keys = keys;
  }

  /** Answers a request for keys, or undefined for any other. */
  answer(
    route: string,
    body: JsonObject | undefined,
  ): { readonly status: number; readonly content: object } | undefined {
    if (route === 'GET /openai/v1/api-keys')
      return { status: 200, content: { object: 'list', data: [...this.#made.values()].map(toKeyObject) } };
    if (route === 'POST /openai/v1/api-keys') return this.#make(body?.name);
    const id = /^DELETE \/openai\/v1\/api-keys\/([^/]+)$/.exec(route)?.[1];
    if (id === undefined) return undefined;
    const made = this.#made.get(id);
    if (made === undefined) return errorAnswer(404, 'There is no such key.');
    this.#made.delete(id);
    this.#keys.revoke(made.keyId);
    return { status: 200, content: { object: 'api_key', id, deleted: true } };
  }

  #make(name: unknown): { readonly status: number; readonly content: object } {
    if (typeof name !== 'string') return errorAnswer(400, "'name' : is required");
    const key = `gsk_${randomBytes(24).toString('hex')}`;
    const made = { id: `key_${randomBytes(6).toString('hex')}`, name, keyId: deriveGroqKeyId(key) };
    this.#made.set(made.id, made);
    this.#keys.allow(made.keyId);
    return { status: 201, content: { ...toKeyObject(made), key } };
  }
}

function toKeyObject({ id, name }: CreatedKey): object {
  return { object: 'api_key', id, name };
}

function errorAnswer(status: number, message: string): { readonly status: number; readonly content: object } {
  return { status, content: { error: { message, type: 'invalid_request_error' } } };
}
