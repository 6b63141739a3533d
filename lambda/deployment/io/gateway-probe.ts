import { isObject, parseObject } from '../../kernel/json/json-object.ts';

/** Response of a gateway; `code` is the error code, or empty. */
export type ProbeResponse = {
  readonly status: number;
  readonly code: string;
  readonly headers: Headers;
  readonly body: string;
};

const TIMEOUT_MS = 30_000;

/** Client of a deployed gateway. */
export class GatewayProbe {
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  constructor(baseUrl: string, fetchLike: typeof fetch = fetch) {
    this.#baseUrl = baseUrl.replace(/\/$/, '');
    this.#fetch = fetchLike;
  }

  /** Requests a chat completion. */
  async chat(key: string, body: object): Promise<ProbeResponse> {
    return await this.call('POST', '/openai/v1/chat/completions', key, JSON.stringify(body));
  }

  /** Sends a request and reads the whole response body. */
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

/** Returns the `error.code` of an error body, or an empty string. */
function parseErrorCode(text: string): string {
  const error = parseObject(text)?.error;
  return isObject(error) ? String(error.code ?? '') : '';
}
