import { reachOf } from '../access/permissions.ts';
import type { AuditEntry } from '../kernel/audit-log.ts';
import { periodOf, utcText } from '../kernel/period.ts';
import { refuse } from '../kernel/refusals.ts';
import { checkCaller } from '../team-keys/key-operations.ts';
import { type AdminAnswer, type AdminRequest, answer, refused, unknownParameter } from './admin-answer.ts';
import type { AdminPorts } from './administration.ts';

const DEFAULT_ENTRIES = 100;
const MOST_ENTRIES = 1_000;

/** `GET /openai/v1/audit`: a month's newest acts, of the caller's team or of all. */
export async function answerAudit(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminAnswer> {
  const own = await checkCaller(ports, caller);
  if ('reason' in own) return refused(own);
  const reach = reachOf(own, 'read_audit');
  const isAll = reach === 'all';
  if (!isAll && (reach !== 'team' || own.team === undefined))
    return refused(refuse('forbidden', `A key with the role "${own.role}" may not read the audit trail.`));
  const unknown = unknownParameter(query, ['month', 'limit']);
  if (unknown !== undefined) return refused(unknown);
  const { month = periodOf(ports.rules.nowEpochMs), limit = String(DEFAULT_ENTRIES) } = query;
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return refused(refuse('invalid_request', '"month" must be a month such as 2026-11.', { param: 'month' }));
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > MOST_ENTRIES)
    return refused(refuse('invalid_request', `"limit" must be from 1 to ${MOST_ENTRIES}.`, { param: 'limit' }));
  const entries = await ports.readAudit(month, most, ...(isAll || own.team === undefined ? [] : [own.team]));
  return answer(200, { object: 'list', month, data: entries.map(describeEntry) });
}

function describeEntry({ atEpochMs, id, requestId, actor, action, subject, details, ...more }: AuditEntry): object {
  return {
    object: 'audit_entry',
    id,
    at: utcText(atEpochMs),
    request_id: requestId ?? id,
    actor,
    action,
    subject,
    team: more.team ?? null,
    source: more.source ?? null,
    details,
  };
}
