import { refuse } from '../kernel/refusals.ts';
import type { IdempotentRequest } from '../team-keys/idempotency-store.ts';
import { verifyCaller } from '../team-keys/key-operations.ts';
import type { AdminPorts } from './admin-ports.ts';
import { type AdminRequest, type AdminResponse, adminRefusal, adminResponse } from './admin-response.ts';

const MAX_IDEMPOTENCY_KEY_LENGTH = 255;

/** Carries out a request that makes something once, however often it is told by the same Idempotency-Key. */
export async function withIdempotency(
  ports: AdminPorts,
  { method, path, bodyText, caller, idempotency }: AdminRequest,
  act: () => Promise<AdminResponse>,
): Promise<AdminResponse> {
  if (idempotency === undefined) return await act();
  if (!/^[\x20-\x7e]{1,255}$/.test(idempotency.idempotencyKey))
    return adminRefusal(
      refuse('invalid_request', `The Idempotency-Key must be 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} characters of ASCII.`),
    );
  // What was answered holds a key: nobody whose own has ended may have it again.
  const own = await verifyCaller(ports, caller);
  if ('reason' in own) return adminRefusal(own);
  const told: IdempotentRequest = { ...idempotency, keyId: own.keyId, request: `${method} ${path}\n${bodyText}` };
  const begun = await ports.idempotency.begin(told);
  if (begun === 'busy')
    return adminRefusal(refuse('idempotency_conflict', 'The same request is under way. Try again in a moment.'));
  if (begun === 'request_mismatch')
    return adminRefusal(
      refuse('idempotency_conflict', 'This Idempotency-Key was sent with another request. Use a fresh one.'),
    );
  if (typeof begun === 'object') {
    const again = adminResponse(201, begun.answer);
    return { ...again, headers: { ...again.headers, 'idempotency-replayed': 'true' } };
  }
  const done = await act().catch(async (error: unknown) => {
    await ports.idempotency.release(told).catch(() => undefined);
    throw error;
  });
  // A failed request is not stored: a retry may succeed.
  if (done.status === 201) await ports.idempotency.complete(told, done.body);
  else await ports.idempotency.release(told);
  return done;
}
