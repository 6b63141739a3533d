import { reachOf } from '../access/permissions.ts';
import { describeGroqKey } from '../groq-keys/groq-key-list.ts';
import { refuse } from '../kernel/refusals.ts';
import { CANARY_TEAM } from '../policy/canary.ts';
import { checkCaller } from '../team-keys/key-operations.ts';
import { type AdminAnswer, type AdminRequest, answer, refused, unknownParameter } from './admin-answer.ts';
import type { AdminPorts } from './administration.ts';

/** `GET /openai/v1/groq-keys`: how the Groq keys of the caller's team stand, or of all; never a key. */
export async function answerGroqKeys(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminAnswer> {
  const own = await checkCaller(ports, caller);
  if ('reason' in own) return refused(own);
  const reach = reachOf(own, 'read_groq_keys');
  const isAll = reach === 'all';
  if (!isAll && (reach !== 'team' || own.team === undefined))
    return refused(refuse('forbidden', `A key with the role "${own.role}" may not see Groq keys.`));
  const unknown = unknownParameter(query, ['team']);
  if (unknown !== undefined) return refused(unknown);
  if (!isAll && query.team !== undefined && query.team !== own.team)
    return refused(refuse('forbidden', `This key sees the Groq keys of team "${own.team}" only.`, { param: 'team' }));
  const known = [...ports.rules.teams.keys()].filter((team) => team !== CANARY_TEAM);
  const asked = isAll ? query.team : own.team;
  if (isAll && asked !== undefined && !known.includes(asked))
    return refused(refuse('invalid_request', `There is no team "${asked.slice(0, 40)}".`, { param: 'team' }));
  const standings = await ports.readGroqKeys(asked === undefined ? known : [asked]);
  return answer(200, { object: 'list', data: standings.map(describeGroqKey) });
}
