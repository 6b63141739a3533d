import { accessLevelFor } from '../access/permissions.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { verifyCaller } from '../team-keys/key-access.ts';
import type { Caller } from '../team-keys/key-ports.ts';
import type { AdminPorts } from './admin-ports.ts';

/** Returns the team whose records the caller may read, with `team` undefined for every team. */
export async function resolveReadableTeam(
  ports: AdminPorts,
  caller: Caller,
  action: 'read_audit' | 'read_groq_keys',
  deniedOperation: string,
): Promise<{ readonly team: string | undefined } | Refusal> {
  const identity = await verifyCaller(ports, caller);
  if ('reason' in identity) return identity;
  const level = accessLevelFor(identity, action);
  if (level === 'all') return { team: undefined };
  if (level === 'team' && identity.team !== undefined) return { team: identity.team };
  return refuse('forbidden', `A key with the role "${identity.role}" may not ${deniedOperation}.`);
}
