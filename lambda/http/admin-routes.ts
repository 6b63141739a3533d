import { describeKey } from '../access/key-record.ts';
import { parseObject } from '../kernel/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { createKey, findKey, listKeys, type MadeKey, revokeKey } from '../team-keys/key-operations.ts';
import { rotateKey } from '../team-keys/key-rotation.ts';
import { type AdminAnswer, type AdminRequest, answer, refused, unknownParameter } from './admin-answer.ts';
import type { AdminPorts } from './administration.ts';
import { answerAudit } from './audit-route.ts';
import { unescaped } from './gateway-event.ts';
import { answerGroqKeys } from './groq-keys-route.ts';
import { once } from './once.ts';

const KEYS = '/openai/v1/api-keys';
const GROQ_KEYS = '/openai/v1/groq-keys';
const DEFAULT_OVERLAP_HOURS = 24;
const MOST_REASON = 200;

/** Answers one administrative request. */
export async function answerAdmin(ports: AdminPorts, request: AdminRequest): Promise<AdminAnswer> {
  const { method, path } = request;
  const [, id, action] = /^\/openai\/v1\/api-keys\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (path === KEYS && method === 'GET') return await list(ports, request);
  if (path === KEYS && method === 'POST') return await create(ports, request);
  if (id !== undefined && action === undefined && method === 'GET') return await show(ports, request, id);
  if (id !== undefined && action === undefined && method === 'DELETE') return await revoke(ports, request, id);
  if (id !== undefined && action === 'rotate' && method === 'POST') return await rotate(ports, request, id);
  if (path === '/openai/v1/audit' && method === 'GET') return await answerAudit(ports, request);
  if (path === GROQ_KEYS && method === 'GET') return await answerGroqKeys(ports, request);
  const allow = allowedOn(path, id, action);
  if (allow === undefined)
    return refused(refuse('unknown_url', `Unknown request URL: ${method} ${path.slice(0, 200)}. Keys are at ${KEYS}.`));
  const no = refused(refuse('method_not_allowed', `${path.slice(0, 200)} answers ${allow} only.`));
  return { ...no, headers: { ...no.headers, allow } };
}

function allowedOn(path: string, id: string | undefined, action: string | undefined): string | undefined {
  if (path === KEYS) return 'GET, POST';
  if (path === '/openai/v1/audit' || path === GROQ_KEYS) return 'GET';
  if (id !== undefined && action === undefined) return 'GET, DELETE';
  return action === 'rotate' ? 'POST' : undefined;
}

async function list(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminAnswer> {
  const unknown = unknownParameter(query, ['team']);
  if (unknown !== undefined) return refused(unknown);
  const records = await listKeys(ports, caller, query.team);
  if ('reason' in records) return refused(records);
  const use = await ports.readUse(records);
  const { nowEpochMs } = ports.rules;
  return answer(200, { object: 'list', data: records.map((one) => describeKey(one, use.get(one.keyId), nowEpochMs)) });
}

async function show(ports: AdminPorts, { caller }: AdminRequest, id: string): Promise<AdminAnswer> {
  const asked = await findKey(ports, caller, unescaped(id), 'read_keys');
  if ('reason' in asked) return refused(asked);
  const { found } = asked;
  const use = await ports.readUse([found]);
  return answer(200, describeKey(found, use.get(found.keyId), ports.rules.nowEpochMs));
}

async function create(ports: AdminPorts, request: AdminRequest): Promise<AdminAnswer> {
  return await once(ports, request, async () => {
    const made = await createKey(ports, request.caller, request.bodyText);
    return 'reason' in made ? refused(made) : answer(201, withKey(made, ports.rules.nowEpochMs));
  });
}

async function rotate(ports: AdminPorts, request: AdminRequest, id: string): Promise<AdminAnswer> {
  const terms = rotationOf(request.bodyText);
  if ('refusal' in terms) return refused(terms.refusal);
  return await once(ports, request, async () => {
    const made = await rotateKey(ports, request.caller, unescaped(id), terms);
    if ('reason' in made) return refused(made);
    const { nowEpochMs } = ports.rules;
    return answer(201, { ...withKey(made, nowEpochMs), replaces: describeKey(made.old, undefined, nowEpochMs) });
  });
}

async function revoke(ports: AdminPorts, { caller, query }: AdminRequest, id: string): Promise<AdminAnswer> {
  const unknown = unknownParameter(query, ['reason']);
  if (unknown !== undefined) return refused(unknown);
  const revoked = await revokeKey(ports, caller, unescaped(id), (query.reason ?? '').slice(0, MOST_REASON));
  if ('reason' in revoked) return refused(revoked);
  return answer(200, { ...describeKey(revoked, undefined, ports.rules.nowEpochMs), deleted: true });
}

function withKey({ key, record }: MadeKey, nowEpochMs: number): object {
  return { ...describeKey(record, undefined, nowEpochMs), key };
}

/** Reads a rotation's body, which may be left out. */
function rotationOf(bodyText: string): { overlapHours: number; reason: string } | { refusal: Refusal } {
  const body = bodyText.trim() === '' ? {} : parseObject(bodyText);
  const no = (message: string, param?: string) => ({
    refusal: refuse('invalid_request', message, param === undefined ? {} : { param }),
  });
  if (body === undefined) return no('The body is not a JSON object. Send {"overlap_hours": 24}, or none.');
  const fields = ['overlap_hours', 'reason'];
  const unknown = Object.keys(body)
    .find((field) => !fields.includes(field))
    ?.slice(0, 40);
  if (unknown !== undefined)
    return no(
      `"${unknown}" is no field of a rotation${didYouMean(unknown, fields)}; the fields are overlap_hours, reason.`,
    );
  const { overlap_hours: overlapHours = DEFAULT_OVERLAP_HOURS, reason = '' } = body;
  if (typeof overlapHours !== 'number') return no('"overlap_hours" must be hours as a number.', 'overlap_hours');
  if (typeof reason !== 'string') return no('"reason" must be text.', 'reason');
  return { overlapHours, reason: reason.slice(0, MOST_REASON) };
}
