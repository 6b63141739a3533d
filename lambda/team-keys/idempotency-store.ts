/** A request with an Idempotency-Key. */
export type IdempotentRequest = {
  readonly keyId: string;
  /** The caller's own key as sent; never stored. */
  readonly presentedKey: string;
  readonly idempotencyKey: string;
  readonly request: string;
};

/** The outcome of starting a request: it may run, another run is in progress, its key has another request, or it has an answer. */
export type IdempotencyOutcome = 'begun' | 'busy' | 'request_mismatch' | { readonly answer: string };

/** The store of answers to requests with an Idempotency-Key. */
export interface IdempotencyStore {
  begin(idempotentRequest: IdempotentRequest): Promise<IdempotencyOutcome>;
  /** Stores the answer, for retries. */
  complete(idempotentRequest: IdempotentRequest, answer: string): Promise<void>;
  /** Forgets a request that failed, so that it may run again. */
  release(idempotentRequest: IdempotentRequest): Promise<void>;
}
