import type { Log } from './clock.ts';
import { StoreError } from './store-error.ts';

/** An exception is a fault of ours: the caller learns the request id, the log its kind, and nobody its details. */
export function logFault(log: Log, requestId: string, error: unknown): void {
  const name = error instanceof Error ? error.name : 'unknown';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.name : '';
  log('fault', { requestId, error: name, ...(error instanceof StoreError ? { store: error.store } : {}), cause });
}
