/** The external services that the gateway stores data in or sends messages with. */
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

/** A fault of a store: it did not respond, or it holds invalid data. `cause` is the error of its client. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly store: Store;

  constructor(store: Store, message: string, options?: ErrorOptions) {
    super(message, options);
    this.store = store;
  }
}
