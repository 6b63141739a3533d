import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { IdempotentRequest } from '../team-keys/idempotency-store.ts';
import { verifyCaller } from '../team-keys/key-access.ts';
import type { AdminPorts } from './admin-ports.ts';
import { type AdminRequest, type AdminResponse, adminResponse } from './admin-response.ts';

const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** Executes a request once per Idempotency-Key: a retry gets the stored response of the first success. */
export async function withIdempotency(
  ports: AdminPorts,
  { method, path, bodyText, caller, idempotency }: AdminRequest,
  execute: () => Promise<AdminResponse | Refusal>,
): Promise<AdminResponse | Refusal> {
  if (idempotency === undefined) return await execute();
  if (!/^[\x20-\x7e]{1,255}$/.test(idempotency.idempotencyKey))
    return refuse(
      'invalid_request',
      `The Idempotency-Key must be 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters of ASCII.`,
    );
  // The stored response contains a key, so a caller whose own key has ended must not get it.
  const identity = await verifyCaller(ports, caller);
  if ('reason' in identity) return identity;
  const request: IdempotentRequest = {
    ...idempotency,
    keyId: identity.keyId,
    request: `${method} ${path}\n${bodyText}`,
  };
  const state = await ports.idempotency.begin(request);
  if (state === 'busy') return refuse('idempotency_conflict', 'The same request is under way. Try again in a moment.');
  if (state === 'request_mismatch')
    return refuse('idempotency_conflict', 'This Idempotency-Key was sent with another request. Use a fresh one.');
  if (typeof state === 'object') {
    const stored = adminResponse(201, state.answer);
    return { ...stored, headers: { ...stored.headers, 'idempotency-replayed': 'true' } };
  }
  const result = await execute().catch(async (error: unknown) => {
    // A failed release must not hide the original fault; an abandoned request times out by itself.
    await ports.idempotency.release(request).catch(() => undefined);
    throw error;
  });
  // Only a success is stored: a retry of a refused request may succeed.
  if ('status' in result && result.status === 201) await ports.idempotency.complete(request, result.body);
  else await ports.idempotency.release(request);
  return result;
}
