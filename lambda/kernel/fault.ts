import type { Log } from './clock.ts';
import { StoreError } from './store-error.ts';

/** Logs an exception by its name and its cause's name; messages may contain secrets and stay out of the log. */
export function logFault(log: Log, requestId: string, error: unknown): void {
  const name = error instanceof Error ? error.name : 'unknown';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.name : '';
  log('fault', { requestId, error: name, ...(error instanceof StoreError ? { store: error.store } : {}), cause });
}
