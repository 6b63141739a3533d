import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse, renderRefusal } from '../kernel/refusals.ts';
import type { IdempotentRequest } from '../team-keys/idempotency-store.ts';
import type { Caller } from '../team-keys/key-operations.ts';

/** One administrative request, wherever it comes from. */
export type AdminRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly bodyText: string;
  readonly caller: Caller;
  /** With the caller's own key, where it has one. */
  readonly idempotency: Pick<IdempotentRequest, 'presentedKey' | 'idempotencyKey'> | undefined;
};

/** Its answer. */
export type AdminResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** An answer that may hold a key, so that nobody on the way may keep it. */
export function adminResponse(status: number, content: object | string): AdminResponse {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status, headers, body: typeof content === 'string' ? content : JSON.stringify(content) };
}

/** A refusal as an answer. */
export function adminRefusal(refusal: Refusal): AdminResponse {
  return renderRefusal(refusal);
}

/** Says so, if a query has a parameter that its URL does not know. */
export function unknownParameter(query: AdminRequest['query'], known: readonly string[]): Refusal | undefined {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  const name = unknown.slice(0, 40);
  return refuse('invalid_request', `"${name}" is no parameter of this URL${didYouMean(name, known)}.`, { param: name });
}
