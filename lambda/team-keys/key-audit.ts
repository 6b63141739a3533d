import type { Identity } from '../access/identity.ts';
import type { AuditEntry, AuditLog } from '../kernel/audit-log.ts';
import type { Caller, KeyPorts } from './key-ports.ts';

/** A change of a key, for the audit trail. */
export type KeyChange = Omit<AuditEntry, 'subject' | 'team'> & { readonly key: Pick<Identity, 'keyId' | 'team'> };

/** Appends a change to the audit trail. Callers do so before the change: if this fails, nothing changes. */
export async function auditKeyChange(audit: AuditLog, { key: { keyId, team }, ...entry }: KeyChange): Promise<void> {
  await audit.append({ ...entry, subject: `key ${keyId}`, ...(team === undefined ? {} : { team }) });
}

/** Appends a caller's operation to the audit trail. */
export async function auditKeyOperation(
  { audit, rules, newId }: KeyPorts,
  { actor, source, requestId }: Caller,
  action: string,
  key: Pick<Identity, 'keyId' | 'team'>,
  details: string,
): Promise<void> {
  const entry = { atEpochMs: rules.nowEpochMs, id: newId(), requestId, actor, action, details, source };
  await auditKeyChange(audit, { ...entry, key });
}
