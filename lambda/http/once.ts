import { refuse } from '../kernel/refusals.ts';
import type { Once } from '../team-keys/idempotency-store.ts';
import { checkCaller } from '../team-keys/key-operations.ts';
import { type AdminAnswer, type AdminRequest, answer, refused } from './admin-answer.ts';
import type { AdminPorts } from './administration.ts';

const MOST_IDEMPOTENCY_KEY = 255;

/** Carries out a request that makes something once, however often it is told by the same Idempotency-Key. */
export async function once(
  ports: AdminPorts,
  { method, path, bodyText, caller, idempotency }: AdminRequest,
  act: () => Promise<AdminAnswer>,
): Promise<AdminAnswer> {
  if (idempotency === undefined) return await act();
  if (!/^[\x20-\x7e]{1,255}$/.test(idempotency.idempotencyKey))
    return refused(
      refuse('invalid_request', `The Idempotency-Key must be 1 to ${MOST_IDEMPOTENCY_KEY} characters of ASCII.`),
    );
  // What was answered holds a key: nobody whose own has ended may have it again.
  const own = await checkCaller(ports, caller);
  if ('reason' in own) return refused(own);
  const told: Once = { ...idempotency, keyId: own.keyId, request: `${method} ${path}\n${bodyText}` };
  const begun = await ports.idempotency.begin(told);
  if (begun === 'busy')
    return refused(refuse('idempotency_conflict', 'The same request is under way. Try again in a moment.'));
  if (begun === 'other request')
    return refused(
      refuse('idempotency_conflict', 'This Idempotency-Key was sent with another request. Use a fresh one.'),
    );
  if (typeof begun === 'object') {
    const again = answer(201, begun.answer);
    return { ...again, headers: { ...again.headers, 'idempotency-replayed': 'true' } };
  }
  const done = await act().catch(async (error: unknown) => {
    await ports.idempotency.forget(told).catch(() => undefined);
    throw error;
  });
  // What was refused may be right the next time.
  if (done.status === 201) await ports.idempotency.end(told, done.body);
  else await ports.idempotency.forget(told);
  return done;
}
