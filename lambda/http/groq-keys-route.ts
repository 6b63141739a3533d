import { describeGroqKey } from '../groq-keys/groq-key-list.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { CANARY_TEAM } from '../policy/canary-team.ts';
import type { AdminPorts } from './admin-ports.ts';
import { type AdminRequest, type AdminResponse, adminResponse, checkParameters } from './admin-response.ts';
import { resolveReadableTeam } from './readable-team.ts';

/** `GET /openai/v1/groq-keys`: the status of the Groq keys of the caller's team, or of all teams; never a key itself. */
export async function handleGroqKeys(
  ports: AdminPorts,
  { caller, query }: AdminRequest,
): Promise<AdminResponse | Refusal> {
  const readable = await resolveReadableTeam(ports, caller, 'read_groq_keys', 'see Groq keys');
  if ('reason' in readable) return readable;
  const refusal = checkParameters(query, ['team']);
  if (refusal !== undefined) return refusal;
  const { team = readable.team } = query;
  if (readable.team !== undefined && team !== readable.team)
    return refuse('forbidden', `This key sees the Groq keys of team "${readable.team}" only.`, { param: 'team' });
  const teams = [...ports.rules.teams.keys()].filter((name) => name !== CANARY_TEAM);
  if (readable.team === undefined && team !== undefined && !teams.includes(team))
    return refuse('invalid_request', `There is no team "${team.slice(0, 40)}".`, { param: 'team' });
  const summaries = await ports.readGroqKeys(team === undefined ? teams : [team]);
  return adminResponse(200, { object: 'list', data: summaries.map(describeGroqKey) });
}
