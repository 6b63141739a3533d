import { setTimeout as sleep } from 'node:timers/promises';
import { normalizeBaseUrl } from '../../contract.ts';
import { isObject, type JsonObject, parseObject } from '../../kernel/json/json-object.ts';
import { type ListedModel, parseModelListing } from '../../pricing/model-listing.ts';
import type { GroqKeyApi, GroqKeyProbe, UpstreamKey } from '../groq-key-ports.ts';
import type { ModelLister } from '../watch/read-model-listing.ts';

/** An inconclusive answer, or none, from Groq or another upstream. The message never contains a key. */
export class GroqKeyApiError extends Error {
  override readonly name = 'GroqKeyApiError';
}

const DEFAULT_ADDRESS = 'https://api.groq.com';
/** The timeout of one request, in milliseconds. */
const TIMEOUT_MS = 8_000;
/** The delay before a refused key is tested again, in milliseconds: only two refusals in a row count. */
const RETRY_DELAY_MS = 500;

/** A client of Groq's API that tests keys, lists models and, where the upstream has a key API, creates and deletes them. */
export class GroqKeyApiClient implements GroqKeyProbe, GroqKeyApi, ModelLister {
  readonly #address: string;
  readonly #fetch: typeof fetch;
  readonly #pause: (ms: number) => Promise<unknown>;

  constructor(
    baseUrl: string | undefined,
    fetchLike: typeof fetch = fetch,
    pause: (ms: number) => Promise<unknown> = sleep,
  ) {
    this.#address = normalizeBaseUrl(baseUrl ?? DEFAULT_ADDRESS);
    this.#fetch = fetchLike;
    this.#pause = pause;
  }

  async isAccepted(apiKey: string): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const { status } = await this.#call('GET', 'models', apiKey);
      // A rate limit (429) applies only after authentication.
      if ((status >= 200 && status < 300) || status === 429) return true;
      if (status !== 401) throw new GroqKeyApiError(`Groq answered ${status} to the test of a key`);
      if (tries === 2) return false;
      await this.#pause(RETRY_DELAY_MS);
    }
  }

  async listModels(apiKey: string): Promise<readonly ListedModel[] | undefined> {
    const { status, body } = await this.#call('GET', 'models', apiKey);
    return status === 200 ? parseModelListing(body) : undefined;
  }

  async create(by: string, name: string): Promise<UpstreamKey & { readonly apiKey: string }> {
    const { status, body } = await this.#call('POST', 'api-keys', by, { name });
    const { id, key } = body;
    if (status >= 300 || typeof id !== 'string' || typeof key !== 'string')
      throw new GroqKeyApiError(`the upstream answered ${status} to the creation of a key`);
    return { upstreamId: id, name, apiKey: key };
  }

  async list(by: string): Promise<readonly UpstreamKey[]> {
    const { status, body } = await this.#call('GET', 'api-keys', by);
    if (status >= 300 || !Array.isArray(body.data))
      throw new GroqKeyApiError(`the upstream answered ${status} to the list of keys`);
    return body.data.filter(isObject).map(({ id, name }) => ({ upstreamId: String(id), name: String(name) }));
  }

  async remove(by: string, upstreamId: string): Promise<void> {
    const { status } = await this.#call('DELETE', `api-keys/${encodeURIComponent(upstreamId)}`, by);
    if (status >= 300 && status !== 404)
      throw new GroqKeyApiError(`the upstream answered ${status} to the deletion of a key`);
  }

  async #call(
    method: string,
    path: string,
    apiKey: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: JsonObject }> {
    try {
      const response = await this.#fetch(`${this.#address}/openai/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        // A redirect would send the key to another address.
        redirect: 'manual',
      });
      return { status: response.status, body: parseObject(await response.text()) ?? {} };
    } catch {
      // Without the cause, which may contain the authorization header.
      throw new GroqKeyApiError(`could not reach Groq: ${method} ${path.split('/', 1)[0]}`);
    }
  }
}
