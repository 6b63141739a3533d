import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import { formatUtc, periodAt } from '../kernel/period.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { findKey } from './key-access.ts';
import { auditKeyOperation } from './key-audit.ts';
import { checkCreatorLimits } from './key-limits.ts';
import { enforceRevocation } from './key-operations.ts';
import type { Caller, CreatedKey, KeyPorts } from './key-ports.ts';

/** The maximum overlap of an old and a new key, in hours: a week. */
const MAX_OVERLAP_HOURS = 168;
const MS_PER_HOUR = 3_600_000;

/**
 * Creates a key that replaces another, with the same rights and expiry. Both are valid through the overlap, and the old
 * one until it has been unused for a day after it. Without an overlap, the old key is revoked at once.
 */
export async function rotateKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  { overlapHours, reason }: { readonly overlapHours: number; readonly reason: string },
): Promise<(CreatedKey & { readonly old: KeyRecord }) | Refusal> {
  const { repository, rules } = ports;
  const access = await findKey(ports, caller, keyId, 'rotate_keys');
  if ('reason' in access) return access;
  const { found: old, own } = access;
  // A caller that rotates another key receives a key with its rights.
  const tooWide = old.keyId === own.keyId ? undefined : checkCreatorLimits(own, old);
  if (tooWide !== undefined) return tooWide;
  const invalid = checkRotation(old, overlapHours, rules.nowEpochMs);
  if (invalid !== undefined) return invalid;
  const { key, keyId: newId } = repository.mint();
  const record = buildSuccessor(old, newId, caller.actor, rules.nowEpochMs);
  const retireAfterEpochMs = rules.nowEpochMs + Math.round(overlapHours * MS_PER_HOUR);
  const until = overlapHours === 0 ? 'the old one is revoked' : `both work until ${formatUtc(retireAfterEpochMs)}`;
  const details = `${old.name} → ${record.name} (key ${newId}); ${until}${reason === '' ? '' : `; ${reason}`}`;
  await auditKeyOperation(ports, caller, 'rotate_key', old, details);
  await repository.put(key, record);
  if (!(await repository.replace(old.keyId, newId, retireAfterEpochMs))) {
    // Lost a race against another rotation or a revocation: withdraw the new key, which nobody has seen.
    await repository.revoke(newId);
    return refuse(
      'idempotency_conflict',
      `The key ${old.keyId} has just been rotated or revoked by another request; this one changed nothing.`,
    );
  }
  const replaced = { ...old, rotatedTo: newId, retireAfterEpochMs };
  if (overlapHours > 0) return { key, record, old: replaced };
  await enforceRevocation(ports, old);
  return { key, record, old: { ...replaced, revokedAtEpochMs: rules.nowEpochMs } };
}

function checkRotation(old: KeyRecord, overlapHours: number, nowEpochMs: number): Refusal | undefined {
  if (!(overlapHours >= 0 && overlapHours <= MAX_OVERLAP_HOURS))
    return refuse('invalid_request', `"overlap_hours" must be from 0 to ${MAX_OVERLAP_HOURS}.`, {
      param: 'overlap_hours',
    });
  const status = keyStatus(old, nowEpochMs);
  if (status === 'active') return undefined;
  return refuse(
    'invalid_request',
    `The key ${old.keyId} is ${status}${old.rotatedTo === undefined ? '' : ` by ${old.rotatedTo}`}; only an active one can be rotated.`,
  );
}

function buildSuccessor(old: KeyRecord, keyId: string, createdBy: string, nowEpochMs: number): KeyRecord {
  const { role, team, expiresAtEpochMs } = old;
  return {
    keyId,
    role,
    ...(team === undefined ? {} : { team }),
    ...inheritScope(old),
    ...(expiresAtEpochMs === undefined ? {} : { expiresAtEpochMs }),
    name: nextKeyName(old.name, nowEpochMs),
    createdAtEpochMs: nowEpochMs,
    createdBy,
  };
}

/** Returns the old key's limits. Its line, the id of the first key, makes all its successors share one ledger entry. */
export function inheritScope(old: KeyRecord | undefined): Pick<KeyRecord, 'scope'> {
  return old?.scope === undefined ? {} : { scope: { ...old.scope, line: old.scope.line ?? old.keyId } };
}

/** Returns the name of a rotated key: it ends with the month, replacing an earlier one. */
export function nextKeyName(name: string, nowEpochMs: number): string {
  return `${name.replace(/-\d{4}-\d{2}$/, '')}-${periodAt(nowEpochMs)}`;
}
