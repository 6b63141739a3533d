import type { Identity } from '../access/identity.ts';
import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import { accessLevelFor } from '../access/permissions.ts';
import { formatUtc } from '../kernel/period.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { findKey, verifyCaller } from './key-access.ts';
import { auditKeyOperation } from './key-audit.ts';
import type { Caller, CreatedKey, KeyPorts, KeyRepository, KeyRevoker } from './key-ports.ts';
import { type NewKeySpec, parseKeyRequest } from './key-request.ts';

/** Creates a key, if the caller may create such a key. */
export async function createKey(ports: KeyPorts, caller: Caller, bodyText: string): Promise<CreatedKey | Refusal> {
  const creator = await verifyCaller(ports, caller);
  if ('reason' in creator) return creator;
  if (accessLevelFor(creator, 'create_keys') === 'none')
    return refuse(
      'forbidden',
      `A key with the role "${creator.role}" may not make keys. Ask a lead or an administrator.`,
    );
  const spec = parseKeyRequest(bodyText, creator, ports.rules);
  if ('reason' in spec) return spec;
  const { key, keyId } = ports.repository.mint();
  await auditKeyOperation(ports, caller, 'create_key', { ...spec, keyId }, `none → ${summarizeKey(spec)}`);
  const record = { ...spec, keyId, createdAtEpochMs: ports.rules.nowEpochMs, createdBy: caller.actor };
  await ports.repository.put(key, record);
  return { key, record };
}

/** Revokes a key: its team's ledger refuses its next call, API Gateway at the latest a minute later. */
export async function revokeKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  reason: string,
): Promise<KeyRecord | Refusal> {
  const access = await findKey(ports, caller, keyId, 'revoke_keys');
  if ('reason' in access) return access;
  const { found } = access;
  const before = keyStatus(found, ports.rules.nowEpochMs);
  const details = `${found.name}: ${before} → revoked${reason === '' ? '' : `; ${reason}`}`;
  await auditKeyOperation(ports, caller, 'revoke_key', found, details);
  await enforceRevocation(ports, found);
  return { ...found, revokedAtEpochMs: found.revokedAtEpochMs ?? ports.rules.nowEpochMs };
}

/** Revokes a key in the registry, which the authorizer reads, and in its team's ledger, which admits calls. */
export async function enforceRevocation(
  { repository, ledger }: { readonly repository: Pick<KeyRepository, 'revoke'>; readonly ledger: KeyRevoker },
  { keyId, team }: Pick<Identity, 'keyId' | 'team'>,
): Promise<void> {
  await repository.revoke(keyId);
  if (team !== undefined) await ledger.revokeKey(team, keyId);
}

function summarizeKey({ name, role, scope, expiresAtEpochMs }: NewKeySpec): string {
  const until = expiresAtEpochMs === undefined ? '' : ` until ${formatUtc(expiresAtEpochMs)}`;
  return `${name}, role ${role}${until}${scope === undefined ? '' : `, narrowed to ${JSON.stringify(scope)}`}`;
}
