/** A request that may come twice: who tells it, by what word, and what it asks. */
export type IdempotentRequest = {
  readonly keyId: string;
  /** The caller's own key, as it was sent; never stored. */
  readonly presentedKey: string;
  readonly idempotencyKey: string;
  readonly request: string;
};

/** What was answered to requests that bear an Idempotency-Key. */
export interface IdempotencyStore {
  begin(
    idempotentRequest: IdempotentRequest,
  ): Promise<'begun' | 'busy' | 'request_mismatch' | { readonly answer: string }>;
  complete(idempotentRequest: IdempotentRequest, answer: string): Promise<void>;
  release(idempotentRequest: IdempotentRequest): Promise<void>;
}
