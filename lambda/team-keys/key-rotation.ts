import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import { formatUtc, periodAt } from '../kernel/period.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';
import { checkCreatorLimits } from './key-limits.ts';
import {
  auditKeyOperation,
  type Caller,
  type CreatedKey,
  enforceRevocation,
  findKey,
  type KeyPorts,
} from './key-operations.ts';

/** The longest that an old key goes on beside the new one, in hours: a week. */
const MAX_OVERLAP_HOURS = 168;
const MS_PER_HOUR = 3_600_000;

/**
 * Makes a key that takes another's place, with the same rights and the same end. Both work for so long, and the old one
 * until nobody has used it for a day; without an overlap, the old one ends at once.
 */
export async function rotateKey(
  ports: KeyPorts,
  caller: Caller,
  keyId: string,
  { overlapHours, reason }: { readonly overlapHours: number; readonly reason: string },
): Promise<(CreatedKey & { readonly old: KeyRecord }) | Refusal> {
  const { repository, rules } = ports;
  const asked = await findKey(ports, caller, keyId, 'rotate_keys');
  if ('reason' in asked) return asked;
  const { found: old, own } = asked;
  // Whoever rotates a key gets hold of one with its rights.
  const beyond = old.keyId === own.keyId ? undefined : checkCreatorLimits(own, old);
  if (beyond !== undefined) return beyond;
  if (!(overlapHours >= 0 && overlapHours <= MAX_OVERLAP_HOURS))
    return refuse('invalid_request', `"overlap_hours" must be from 0 to ${MAX_OVERLAP_HOURS}.`, {
      param: 'overlap_hours',
    });
  const status = keyStatus(old, rules.nowEpochMs);
  if (status !== 'active')
    return refuse(
      'invalid_request',
      `The key ${old.keyId} is ${status}${old.rotatedTo === undefined ? '' : ` by ${old.rotatedTo}`}; only an active one can be rotated.`,
    );
  const { key, keyId: newId } = repository.mint();
  const record = buildSuccessor(old, newId, caller.actor, rules.nowEpochMs);
  const retireAfterEpochMs = rules.nowEpochMs + Math.round(overlapHours * MS_PER_HOUR);
  const until = overlapHours === 0 ? 'the old one is revoked' : `both work until ${formatUtc(retireAfterEpochMs)}`;
  const why = reason === '' ? '' : `; ${reason}`;
  await auditKeyOperation(
    ports,
    caller,
    'rotate_key',
    old,
    `${old.name} → ${record.name} (key ${newId}); ${until}${why}`,
  );
  await repository.put(key, record);
  if (!(await repository.replace(old.keyId, newId, retireAfterEpochMs))) {
    // Two acts at once: the other one stands, and this key never was.
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

/** What a key takes over from the one whose place it takes: its limits, with one share of the ledger for the whole line. */
export function inheritScope(old: KeyRecord | undefined): Pick<KeyRecord, 'scope'> {
  return old?.scope === undefined ? {} : { scope: { ...old.scope, line: old.scope.line ?? old.keyId } };
}

/** A rotated key's name carries the month, in place of the month before. */
export function nextKeyName(name: string, nowEpochMs: number): string {
  return `${name.replace(/-\d{4}-\d{2}$/, '')}-${periodAt(nowEpochMs)}`;
}
