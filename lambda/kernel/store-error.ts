/** What the gateway keeps things in or sends them by. */
export type Store =
  | 'ledger'
  | 'registry'
  | 'usage'
  | 'alerts'
  | 'reports bucket'
  | 'secrets'
  | 'event bus'
  | 'operators topic'
  | 'webhook';

/** A fault of a store: it did not answer, or holds what cannot be read. `cause` is what its client threw. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly store: Store;

  constructor(store: Store, message: string, options?: ErrorOptions) {
    super(message, options);
    this.store = store;
  }
}
