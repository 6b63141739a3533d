import type { AuditEntry } from '../kernel/audit-log.ts';
import { formatUtc, periodAt } from '../kernel/period.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import type { AdminPorts } from './admin-ports.ts';
import { type AdminRequest, type AdminResponse, adminResponse, checkParameters } from './admin-response.ts';
import { resolveReadableTeam } from './readable-team.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/** `GET /openai/v1/audit`: a month's newest audit entries, of the caller's team or of all teams. */
export async function handleAudit(
  ports: AdminPorts,
  { caller, query }: AdminRequest,
): Promise<AdminResponse | Refusal> {
  const readable = await resolveReadableTeam(ports, caller, 'read_audit', 'read the audit trail');
  if ('reason' in readable) return readable;
  const refusal = checkParameters(query, ['month', 'limit']);
  if (refusal !== undefined) return refusal;
  const { month = periodAt(ports.rules.nowEpochMs), limit: limitText = String(DEFAULT_LIMIT) } = query;
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return refuse('invalid_request', '"month" must be a month such as 2026-11.', { param: 'month' });
  const limit = Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    return refuse('invalid_request', `"limit" must be from 1 to ${MAX_LIMIT}.`, { param: 'limit' });
  const entries = await ports.readAudit(month, limit, ...(readable.team === undefined ? [] : [readable.team]));
  return adminResponse(200, { object: 'list', month, data: entries.map(describeEntry) });
}

function describeEntry({ atEpochMs, id, requestId, actor, action, subject, details, ...more }: AuditEntry): object {
  return {
    object: 'audit_entry',
    id,
    at: formatUtc(atEpochMs),
    request_id: requestId ?? id,
    actor,
    action,
    subject,
    team: more.team ?? null,
    source: more.source ?? null,
    details,
  };
}
