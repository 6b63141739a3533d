import { isObject } from '../core/chat-request.ts';
import {
  type Caller,
  checkCaller,
  createKey,
  findKey,
  type KeyPorts,
  listKeys,
  revokeKey,
  rotateKey,
} from '../core/key-operations.ts';
import { describeKey, type KeyRecord, type KeyUse } from '../core/key-record.ts';
import { didYouMean } from '../core/nearest-word.ts';
import { periodOf, utcText } from '../core/period.ts';
import { reachOf } from '../core/permissions.ts';
import type { AuditEntry, IdempotencyStore, Once } from '../core/ports.ts';
import { type Refusal, refuse, renderRefusal } from '../core/refusals.ts';

/** What administration needs of the world. */
export type AdminPorts = KeyPorts & {
  readonly idempotency: IdempotencyStore;
  readonly readAudit: (period: string, most: number) => Promise<readonly AuditEntry[]>;
  /** What keys have been used for this month, by their ids. */
  readonly readUse: (records: readonly KeyRecord[]) => Promise<ReadonlyMap<string, KeyUse>>;
};

/** One administrative request, wherever it comes from. */
export type AdminRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly bodyText: string;
  readonly caller: Caller;
  /** With the caller's own key, where it has one. */
  readonly idempotency: Pick<Once, 'presentedKey' | 'idempotencyKey'> | undefined;
};

/** Its answer. */
export type AdminAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

const KEYS = '/openai/v1/api-keys';
const DEFAULT_OVERLAP_HOURS = 24;
const DEFAULT_ENTRIES = 100;
const MOST_ENTRIES = 1_000;
const MOST_IDEMPOTENCY_KEY = 255;

/** Answers one administrative request. */
export async function answerAdmin(ports: AdminPorts, request: AdminRequest): Promise<AdminAnswer> {
  const { method, path } = request;
  const [, id, action] = /^\/openai\/v1\/api-keys\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (path === KEYS && method === 'GET') return await list(ports, request);
  if (path === KEYS && method === 'POST') return await create(ports, request);
  if (id !== undefined && action === undefined && method === 'GET') return await show(ports, request, id);
  if (id !== undefined && action === undefined && method === 'DELETE') return await revoke(ports, request, id);
  if (id !== undefined && action === 'rotate' && method === 'POST') return await rotate(ports, request, id);
  if (path === '/openai/v1/audit' && method === 'GET') return await audit(ports, request);
  const allow = allowedOn(path, id, action);
  if (allow === undefined)
    return refused(refuse('unknown_url', `Unknown request URL: ${method} ${path.slice(0, 200)}. Keys are at ${KEYS}.`));
  const answer = refused(refuse('method_not_allowed', `${path} answers ${allow} only.`));
  return { ...answer, headers: { ...answer.headers, allow } };
}

function allowedOn(path: string, id: string | undefined, action: string | undefined): string | undefined {
  if (path === KEYS) return 'GET, POST';
  if (path === '/openai/v1/audit') return 'GET';
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
  const found = await findKey(ports, caller, decoded(id), 'read_keys');
  if ('reason' in found) return refused(found);
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
  const overlap = overlapOf(request.bodyText);
  if (typeof overlap !== 'number') return refused(overlap);
  return await once(ports, request, async () => {
    const made = await rotateKey(ports, request.caller, decoded(id), overlap);
    if ('reason' in made) return refused(made);
    const { nowEpochMs } = ports.rules;
    return answer(201, { ...withKey(made, nowEpochMs), replaces: describeKey(made.old, undefined, nowEpochMs) });
  });
}

async function revoke(ports: AdminPorts, { caller, query }: AdminRequest, id: string): Promise<AdminAnswer> {
  const unknown = unknownParameter(query, ['reason']);
  if (unknown !== undefined) return refused(unknown);
  const revoked = await revokeKey(ports, caller, decoded(id), (query.reason ?? '').slice(0, 200));
  if ('reason' in revoked) return refused(revoked);
  return answer(200, { ...describeKey(revoked, undefined, ports.rules.nowEpochMs), deleted: true });
}

async function audit(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminAnswer> {
  const reach = reachOf(caller.identity, 'read_audit');
  if (reach === 'none')
    return refused(refuse('forbidden', `A key with the role "${caller.identity.role}" may not read the audit trail.`));
  const own = await checkCaller(ports, caller);
  if (own !== undefined && 'reason' in own) return refused(own);
  const unknown = unknownParameter(query, ['month', 'limit']);
  if (unknown !== undefined) return refused(unknown);
  const { month = periodOf(ports.rules.nowEpochMs), limit = String(DEFAULT_ENTRIES) } = query;
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return refused(refuse('invalid_request', '"month" must be a month such as 2026-11.', { param: 'month' }));
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > MOST_ENTRIES)
    return refused(refuse('invalid_request', `"limit" must be from 1 to ${MOST_ENTRIES}.`, { param: 'limit' }));
  const entries = await ports.readAudit(month, reach === 'all' ? most : MOST_ENTRIES);
  const visible = entries.filter(
    ({ team }) => reach === 'all' || (team !== undefined && team === caller.identity.team),
  );
  return answer(200, { object: 'list', month, data: visible.slice(0, most).map(describeEntry) });
}

function describeEntry({ atEpochMs, id, actor, action, subject, details, team, source }: AuditEntry): object {
  return {
    object: 'audit_entry',
    at: utcText(atEpochMs),
    request_id: id,
    actor,
    action,
    subject,
    team: team ?? null,
    source: source ?? null,
    details,
  };
}

/** Carries out a request that makes something once, however often it is told by the same Idempotency-Key. */
async function once(
  ports: AdminPorts,
  { method, path, bodyText, caller, idempotency }: AdminRequest,
  act: () => Promise<AdminAnswer>,
): Promise<AdminAnswer> {
  if (idempotency === undefined) return await act();
  if (idempotency.idempotencyKey.length > MOST_IDEMPOTENCY_KEY)
    return refused(refuse('invalid_request', `The Idempotency-Key is longer than ${MOST_IDEMPOTENCY_KEY} characters.`));
  const told: Once = { ...idempotency, keyId: caller.identity.keyId, request: `${method} ${path}\n${bodyText}` };
  const begun = await ports.idempotency.begin(told);
  if (begun === 'busy')
    return refused(refuse('idempotency_conflict', 'The same request is under way. Try again in a moment.'));
  if (begun === 'other request')
    return refused(
      refuse('idempotency_conflict', 'This Idempotency-Key was sent with another request. Use a fresh one.'),
    );
  if (typeof begun === 'object')
    return { status: 201, headers: { ...JSON_TYPE, 'idempotency-replayed': 'true' }, body: begun.answer };
  const done = await act().catch(async (error: unknown) => {
    await ports.idempotency.forget(told).catch(() => undefined);
    throw error;
  });
  // What was refused may be right the next time.
  if (done.status === 201) await ports.idempotency.end(told, done.body);
  else await ports.idempotency.forget(told);
  return done;
}

function withKey({ key, record }: { key: string; record: KeyRecord }, nowEpochMs: number): object {
  return { ...describeKey(record, undefined, nowEpochMs), key };
}

function overlapOf(bodyText: string): number | Refusal {
  if (bodyText.trim() === '') return DEFAULT_OVERLAP_HOURS;
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch {
    body = undefined;
  }
  if (!isObject(body))
    return refuse('invalid_request', 'The body is not a JSON object. Send {"overlap_hours": 24}, or none.');
  const unknown = Object.keys(body).find((field) => field !== 'overlap_hours');
  if (unknown !== undefined)
    return refuse(
      'invalid_request',
      `"${unknown.slice(0, 40)}" is no field of a rotation; the field is overlap_hours.`,
    );
  const { overlap_hours: hours = DEFAULT_OVERLAP_HOURS } = body;
  return typeof hours === 'number'
    ? hours
    : refuse('invalid_request', '"overlap_hours" must be hours as a number.', { param: 'overlap_hours' });
}

function unknownParameter(query: AdminRequest['query'], known: readonly string[]): Refusal | undefined {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  const name = unknown.slice(0, 40);
  return refuse('invalid_request', `"${name}" is no parameter of this URL${didYouMean(name, known)}.`, { param: name });
}

/** What is not well escaped is taken as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };

function answer(status: number, content: object): AdminAnswer {
  return { status, headers: { ...JSON_TYPE, 'cache-control': 'no-store' }, body: JSON.stringify(content) };
}

function refused(refusal: Refusal): AdminAnswer {
  return renderRefusal(refusal);
}
