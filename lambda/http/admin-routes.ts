import { describeKey } from '../access/key-record.ts';
import type { RouteName } from '../contract.ts';
import { type Refusal, renderRefusal } from '../kernel/refusals.ts';
import { findKey, listKeys } from '../team-keys/key-access.ts';
import { createKey, revokeKey } from '../team-keys/key-operations.ts';
import type { CreatedKey } from '../team-keys/key-ports.ts';
import { rotateKey } from '../team-keys/key-rotation.ts';
import type { AdminPorts } from './admin-ports.ts';
import { type AdminRequest, type AdminResponse, adminResponse, checkParameters } from './admin-response.ts';
import { handleAudit } from './audit-route.ts';
import { handleGroqKeys } from './groq-keys-route.ts';
import { withIdempotency } from './idempotency.ts';
import { parseRotationRequest, truncateReason } from './rotation-request.ts';
import { matchRoute } from './routing.ts';

type AdminHandler = (ports: AdminPorts, request: AdminRequest, id: string) => Promise<AdminResponse | Refusal>;

const HANDLERS: Readonly<Record<RouteName<'admin'>, AdminHandler>> = {
  listKeys: handleListKeys,
  createKey: handleCreateKey,
  getOwnKey: async (ports, request) => await handleGetKey(ports, request, 'me'),
  getKey: handleGetKey,
  revokeKey: handleRevokeKey,
  rotateKey: handleRotateKey,
  listAuditEntries: handleAudit,
  listGroqKeys: handleGroqKeys,
};

/** Routes a request of the administrative API and renders its response. */
export async function handleAdmin(ports: AdminPorts, request: AdminRequest): Promise<AdminResponse> {
  const match = matchRoute('admin', request.method, request.path);
  if ('refusal' in match) {
    const response = renderRefusal(match.refusal);
    return { ...response, headers: { ...response.headers, ...match.headers } };
  }
  const result = await HANDLERS[match.name](ports, request, match.parameter);
  return 'reason' in result ? renderRefusal(result) : result;
}

async function handleListKeys(ports: AdminPorts, { caller, query }: AdminRequest): Promise<AdminResponse | Refusal> {
  const refusal = checkParameters(query, ['team']);
  if (refusal !== undefined) return refusal;
  const records = await listKeys(ports, caller, query.team);
  if ('reason' in records) return records;
  const usage = await ports.readUse(records);
  const { nowEpochMs } = ports.rules;
  const data = records.map((record) => describeKey(record, usage.get(record.keyId), nowEpochMs));
  return adminResponse(200, { object: 'list', data });
}

async function handleGetKey(ports: AdminPorts, { caller }: AdminRequest, id: string): Promise<AdminResponse | Refusal> {
  const result = await findKey(ports, caller, id, 'read_keys');
  if ('reason' in result) return result;
  const { found } = result;
  const usage = await ports.readUse([found]);
  return adminResponse(200, describeKey(found, usage.get(found.keyId), ports.rules.nowEpochMs));
}

async function handleCreateKey(ports: AdminPorts, request: AdminRequest): Promise<AdminResponse | Refusal> {
  return await withIdempotency(ports, request, async () => {
    const created = await createKey(ports, request.caller, request.bodyText);
    return 'reason' in created ? created : adminResponse(201, describeNewKey(created, ports.rules.nowEpochMs));
  });
}

async function handleRotateKey(ports: AdminPorts, request: AdminRequest, id: string): Promise<AdminResponse | Refusal> {
  const rotation = parseRotationRequest(request.bodyText);
  // A rotation has a `reason` too, so only the message marks a refusal.
  if ('message' in rotation) return rotation;
  return await withIdempotency(ports, request, async () => {
    const created = await rotateKey(ports, request.caller, id, rotation);
    if ('reason' in created) return created;
    const { nowEpochMs } = ports.rules;
    const replaces = describeKey(created.old, undefined, nowEpochMs);
    return adminResponse(201, { ...describeNewKey(created, nowEpochMs), replaces });
  });
}

async function handleRevokeKey(
  ports: AdminPorts,
  { caller, query }: AdminRequest,
  id: string,
): Promise<AdminResponse | Refusal> {
  const refusal = checkParameters(query, ['reason']);
  if (refusal !== undefined) return refusal;
  const revoked = await revokeKey(ports, caller, id, truncateReason(query.reason ?? ''));
  if ('reason' in revoked) return revoked;
  return adminResponse(200, { ...describeKey(revoked, undefined, ports.rules.nowEpochMs), deleted: true });
}

function describeNewKey({ key, record }: CreatedKey, nowEpochMs: number): object {
  return { ...describeKey(record, undefined, nowEpochMs), key };
}
