import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { IdempotentRequest } from '../team-keys/idempotency-store.ts';
import type { Caller } from '../team-keys/key-ports.ts';

/** A request of the administrative API, received over HTTP or from the command line. */
export type AdminRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly bodyText: string;
  readonly caller: Caller;
  /** The Idempotency-Key with the caller's own key. Undefined: the request is not idempotent. */
  readonly idempotency: Pick<IdempotentRequest, 'presentedKey' | 'idempotencyKey'> | undefined;
};

/** A response of the administrative API. */
export type AdminResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Builds a JSON response that no cache may store, because it may contain a key. */
export function adminResponse(status: number, content: object | string): AdminResponse {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers, body: typeof content === 'string' ? content : JSON.stringify(content) };
}

/** Refuses a query with a parameter that the URL does not have. */
export function checkParameters(query: AdminRequest['query'], known: readonly string[]): Refusal | undefined {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  const name = unknown.slice(0, 40);
  return refuse('invalid_request', `"${name}" is no parameter of this URL${didYouMean(name, known)}.`, { param: name });
}
