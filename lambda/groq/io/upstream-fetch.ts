import { readBody } from './answer-body.ts';

/** A response with the status of a failure, and the text of its body; empty where it could not be read to its end. */
export class FailedResponse extends Error {
  override readonly name = 'FailedResponse';
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;

  constructor({ status, headers }: Pick<Response, 'status' | 'headers'>, text: string) {
    super(`status ${status}`);
    this.status = status;
    this.headers = headers;
    this.text = text;
  }
}

/**
 * Fetches without following redirects, which would send the Groq key and the prompt to another address.
 *
 * @throws FailedResponse for every status but a success.
 */
export async function fetchUpstream(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (response.ok) return response;
  throw new FailedResponse(response, await readBody(response.body).catch(() => ''));
}
