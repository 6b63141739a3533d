import { accessLevelFor } from '../access/permissions.ts';
import type { AuditEntry } from '../kernel/audit-log.ts';
import { formatUtc, periodAt } from '../kernel/period.ts';
import { refuse } from '../kernel/refusals.ts';
import { verifyCaller } from '../team-keys/key-operations.ts';
import type { AdminPorts } from './admin-ports.ts';
import {
  type AdminRequest,
  type AdminResponse,
  adminRefusal,
  adminResponse,
  unknownParameter,
} from './admin-response.ts';

const DEFAULT_ENTRIES = 100;
const MAX_ENTRIES = 1_000;

/** `GET /openai/v1/audit`: a month's newest acts, of the caller's team or of all. */
export async function handleAudit(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminResponse> {
  const own = await verifyCaller(ports, caller);
  if ('reason' in own) return adminRefusal(own);
  const level = accessLevelFor(own, 'read_audit');
  const isAll = level === 'all';
  if (!isAll && (level !== 'team' || own.team === undefined))
    return adminRefusal(refuse('forbidden', `A key with the role "${own.role}" may not read the audit trail.`));
  const unknown = unknownParameter(query, ['month', 'limit']);
  if (unknown !== undefined) return adminRefusal(unknown);
  const { month = periodAt(ports.rules.nowEpochMs), limit = String(DEFAULT_ENTRIES) } = query;
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return adminRefusal(refuse('invalid_request', '"month" must be a month such as 2026-11.', { param: 'month' }));
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > MAX_ENTRIES)
    return adminRefusal(refuse('invalid_request', `"limit" must be from 1 to ${MAX_ENTRIES}.`, { param: 'limit' }));
  const entries = await ports.readAudit(month, most, ...(isAll || own.team === undefined ? [] : [own.team]));
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
