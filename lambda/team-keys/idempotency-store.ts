/** A request that may come twice: who tells it, by what word, and what it asks. */
export type Once = {
  readonly keyId: string;
  /** The caller's own key, as it was sent; never stored. */
  readonly presentedKey: string;
  readonly idempotencyKey: string;
  readonly request: string;
};

/** What was answered to requests that bear an Idempotency-Key. */
export interface IdempotencyStore {
  begin(once: Once): Promise<'begun' | 'busy' | 'other request' | { readonly answer: string }>;
  end(once: Once, answer: string): Promise<void>;
  forget(once: Once): Promise<void>;
}
