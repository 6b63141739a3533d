import type { AuditEntry } from '../kernel/audit-log.ts';
import type { GroqKeyOperatorPorts } from './groq-key-operator-ports.ts';
import type { GroqKeyPorts } from './groq-key-ports.ts';

/** A change of a team's Groq key, for the audit trail. */
export type GroqKeyChange = Pick<AuditEntry, 'action' | 'details' | 'source'> & {
  readonly team: string;
  readonly keyId: string;
  /** @default the rotation function */
  readonly actor?: string;
  /** Makes the entry unique among those of its action. @default the key's id */
  readonly uniqueId?: string;
};

/** Appends a change to the audit trail. Callers do so before the change: if this fails, nothing changes. */
export async function auditGroqKeyChange(
  { audit, nowEpochMs }: Pick<GroqKeyPorts, 'audit' | 'nowEpochMs'>,
  { keyId, uniqueId = keyId, ...change }: GroqKeyChange,
): Promise<void> {
  await audit.append({
    atEpochMs: nowEpochMs,
    id: `${change.action}-${uniqueId}`,
    actor: 'rotation',
    subject: `Groq key ${keyId}`,
    ...change,
  });
}

/** Appends an operator's command to the audit trail. */
export async function auditGroqKeyOperation(
  operator: GroqKeyOperatorPorts,
  team: string,
  action: string,
  { keyId, name }: { readonly keyId: string; readonly name?: string | undefined },
  details: string,
): Promise<void> {
  const { actor } = operator;
  const change = { team, action, keyId, details: `${name ?? keyId}: ${details}` };
  await auditGroqKeyChange(operator, { ...change, actor, source: 'cli' });
}
