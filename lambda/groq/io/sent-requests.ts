import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

/** A request that fetch makes, and whether any byte of it was written to a connection. */
type SentRequest = { isSent: boolean };

const current = new AsyncLocalStorage<SentRequest>();
const requests = new WeakMap<object, SentRequest>();

// Node's fetch reports its requests on undici's channels (Node 24 documentation, "diagnostics_channel", and undici's
// docs/api/DiagnosticsChannel.md, read 2026-11-30): `create` before a connection is looked for, `sendHeaders` as the
// first bytes are written. What fails between the two, in the name server, the connection or the TLS handshake, was
// never sent.
subscribe('undici:request:create', (message) => {
  const { request } = message as { readonly request: object };
  const sent = current.getStore();
  if (sent !== undefined) requests.set(request, sent);
});
subscribe('undici:client:sendHeaders', (message) => {
  const { request } = message as { readonly request: object };
  const sent = requests.get(request);
  if (sent !== undefined) sent.isSent = true;
});

/**
 * Runs what makes one fetch; `wasSent` returns whether any byte of its request had been written, also after it threw.
 * A request whose bytes were written may have been answered and billed, whatever came back.
 */
export function trackSending<T>(act: () => Promise<T>): {
  readonly result: Promise<T>;
  readonly wasSent: () => boolean;
} {
  const sent: SentRequest = { isSent: false };
  return { result: current.run(sent, act), wasSent: () => sent.isSent };
}
