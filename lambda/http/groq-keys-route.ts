import { accessLevelFor } from '../access/permissions.ts';
import { describeGroqKey } from '../groq-keys/groq-key-list.ts';
import { refuse } from '../kernel/refusals.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import { verifyCaller } from '../team-keys/key-operations.ts';
import type { AdminPorts } from './admin-ports.ts';
import {
  type AdminRequest,
  type AdminResponse,
  adminRefusal,
  adminResponse,
  unknownParameter,
} from './admin-response.ts';

/** `GET /openai/v1/groq-keys`: how the Groq keys of the caller's team stand, or of all; never a key. */
export async function handleGroqKeys(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminResponse> {
  const own = await verifyCaller(ports, caller);
  if ('reason' in own) return adminRefusal(own);
  const level = accessLevelFor(own, 'read_groq_keys');
  const isAll = level === 'all';
  if (!isAll && (level !== 'team' || own.team === undefined))
    return adminRefusal(refuse('forbidden', `A key with the role "${own.role}" may not see Groq keys.`));
  const unknown = unknownParameter(query, ['team']);
  if (unknown !== undefined) return adminRefusal(unknown);
  if (!isAll && query.team !== undefined && query.team !== own.team)
    return adminRefusal(
      refuse('forbidden', `This key sees the Groq keys of team "${own.team}" only.`, { param: 'team' }),
    );
  const known = [...ports.rules.teams.keys()].filter((team) => team !== CANARY_TEAM);
  const asked = isAll ? query.team : own.team;
  if (isAll && asked !== undefined && !known.includes(asked))
    return adminRefusal(refuse('invalid_request', `There is no team "${asked.slice(0, 40)}".`, { param: 'team' }));
  const standings = await ports.readGroqKeys(asked === undefined ? known : [asked]);
  return adminResponse(200, { object: 'list', data: standings.map(describeGroqKey) });
}
