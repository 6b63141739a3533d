import { isObject, parseObject } from '../../kernel/json-object.ts';

/** What one call to a gateway came to. */
export type ProbeResponse = {
  readonly status: number;
  readonly code: string;
  readonly headers: Headers;
  readonly body: string;
};

/** How long a probe waits for an answer, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** Calls a deployed gateway as a client does. */
export class GatewayProbe {
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  constructor(baseUrl: string, fetchLike: typeof fetch = fetch) {
    this.#baseUrl = baseUrl.replace(/\/$/, '');
    this.#fetch = fetchLike;
  }

  /** One chat completion with a key. */
  async chat(key: string, body: object): Promise<ProbeResponse> {
    return await this.call('POST', '/openai/v1/chat/completions', key, JSON.stringify(body));
  }

  /** Any request; the answer's body is read whole. */
  async call(method: string, path: string, key: string | undefined, body?: string): Promise<ProbeResponse> {
    const response = await this.#fetch(`${this.#baseUrl}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, code: parseErrorCode(text), headers: response.headers, body: text };
  }
}

/** The `error.code` of an error body, or nothing. */
function parseErrorCode(text: string): string {
  const error = parseObject(text)?.error;
  return isObject(error) ? String(error.code ?? '') : '';
}
