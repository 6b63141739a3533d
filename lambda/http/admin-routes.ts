import { describeKey } from '../access/key-record.ts';
import { parseObject } from '../kernel/json-object.ts';
import { didYouMean } from '../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { type CreatedKey, createKey, findKey, listKeys, revokeKey } from '../team-keys/key-operations.ts';
import { rotateKey } from '../team-keys/key-rotation.ts';
import type { AdminPorts } from './admin-ports.ts';
import {
  type AdminRequest,
  type AdminResponse,
  adminRefusal,
  adminResponse,
  unknownParameter,
} from './admin-response.ts';
import { handleAudit } from './audit-route.ts';
import { handleGroqKeys } from './groq-keys-route.ts';
import { withIdempotency } from './idempotency.ts';
import { decodePathSegment } from './io/gateway-event.ts';

const KEYS = '/openai/v1/api-keys';
const GROQ_KEYS = '/openai/v1/groq-keys';
const DEFAULT_OVERLAP_HOURS = 24;
const MAX_REASON_LENGTH = 200;

/** Answers one administrative request. */
export async function handleAdmin(ports: AdminPorts, request: AdminRequest): Promise<AdminResponse> {
  const { method, path } = request;
  const [, id, action] = /^\/openai\/v1\/api-keys\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (path === KEYS && method === 'GET') return await list(ports, request);
  if (path === KEYS && method === 'POST') return await create(ports, request);
  if (id !== undefined && action === undefined && method === 'GET') return await show(ports, request, id);
  if (id !== undefined && action === undefined && method === 'DELETE') return await revoke(ports, request, id);
  if (id !== undefined && action === 'rotate' && method === 'POST') return await rotate(ports, request, id);
  if (path === '/openai/v1/audit' && method === 'GET') return await handleAudit(ports, request);
  if (path === GROQ_KEYS && method === 'GET') return await handleGroqKeys(ports, request);
  const allow = allowedMethods(path, id, action);
  if (allow === undefined)
    return adminRefusal(
      refuse('unknown_url', `Unknown request URL: ${method} ${path.slice(0, 200)}. Keys are at ${KEYS}.`),
    );
  const no = adminRefusal(refuse('method_not_allowed', `${path.slice(0, 200)} answers ${allow} only.`));
  return { ...no, headers: { ...no.headers, allow } };
}

function allowedMethods(path: string, id: string | undefined, action: string | undefined): string | undefined {
  if (path === KEYS) return 'GET, POST';
  if (path === '/openai/v1/audit' || path === GROQ_KEYS) return 'GET';
  if (id !== undefined && action === undefined) return 'GET, DELETE';
  return action === 'rotate' ? 'POST' : undefined;
}

async function list(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminResponse> {
  const unknown = unknownParameter(query, ['team']);
  if (unknown !== undefined) return adminRefusal(unknown);
  const records = await listKeys(ports, caller, query.team);
  if ('reason' in records) return adminRefusal(records);
  const use = await ports.readUse(records);
  const { nowEpochMs } = ports.rules;
  return adminResponse(200, {
    object: 'list',
    data: records.map((one) => describeKey(one, use.get(one.keyId), nowEpochMs)),
  });
}

async function show(ports: AdminPorts, { caller }: AdminRequest, id: string): Promise<AdminResponse> {
  const asked = await findKey(ports, caller, decodePathSegment(id), 'read_keys');
  if ('reason' in asked) return adminRefusal(asked);
  const { found } = asked;
  const use = await ports.readUse([found]);
  return adminResponse(200, describeKey(found, use.get(found.keyId), ports.rules.nowEpochMs));
}

async function create(ports: AdminPorts, request: AdminRequest): Promise<AdminResponse> {
  return await withIdempotency(ports, request, async () => {
    const made = await createKey(ports, request.caller, request.bodyText);
    return 'reason' in made ? adminRefusal(made) : adminResponse(201, withKey(made, ports.rules.nowEpochMs));
  });
}

async function rotate(ports: AdminPorts, request: AdminRequest, id: string): Promise<AdminResponse> {
  const terms = parseRotationRequest(request.bodyText);
  if ('refusal' in terms) return adminRefusal(terms.refusal);
  return await withIdempotency(ports, request, async () => {
    const made = await rotateKey(ports, request.caller, decodePathSegment(id), terms);
    if ('reason' in made) return adminRefusal(made);
    const { nowEpochMs } = ports.rules;
    return adminResponse(201, { ...withKey(made, nowEpochMs), replaces: describeKey(made.old, undefined, nowEpochMs) });
  });
}

async function revoke(ports: AdminPorts, { caller, query }: AdminRequest, id: string): Promise<AdminResponse> {
  const unknown = unknownParameter(query, ['reason']);
  if (unknown !== undefined) return adminRefusal(unknown);
  const revoked = await revokeKey(
    ports,
    caller,
    decodePathSegment(id),
    (query.reason ?? '').slice(0, MAX_REASON_LENGTH),
  );
  if ('reason' in revoked) return adminRefusal(revoked);
  return adminResponse(200, { ...describeKey(revoked, undefined, ports.rules.nowEpochMs), deleted: true });
}

function withKey({ key, record }: CreatedKey, nowEpochMs: number): object {
  return { ...describeKey(record, undefined, nowEpochMs), key };
}

/** Reads a rotation's body, which may be left out. */
function parseRotationRequest(bodyText: string): { overlapHours: number; reason: string } | { refusal: Refusal } {
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
  return { overlapHours, reason: reason.slice(0, MAX_REASON_LENGTH) };
}
