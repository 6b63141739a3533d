import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { VERSION_LABEL } from '../secrets/secret-versions.ts';
import {
  findUnfinishedVersion,
  hasNextStagedKey,
  isAccepted,
  readActiveGroqKeys,
  removeFromQueue,
} from './active-groq-keys.ts';
import { auditGroqKeyOperation } from './groq-key-audit.ts';
import { GroqKeyOperationError, type GroqKeyOperatorPorts } from './groq-key-operator-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName, groqKeyState } from './groq-key-record.ts';

/** The maximum duration of a rotation that creates its key, in milliseconds. */
const KEY_CREATION_TIMEOUT_MS = 300_000;
/** The time after a revocation in which the next key can be revoked by its id only, in milliseconds. */
const REPEATED_REVOCATION_WINDOW_MS = 900_000;

/** Removes a key from a team's queue. @throws GroqKeyOperationError if it is not staged. */
export async function unstageGroqKey(operator: GroqKeyOperatorPorts, team: string, keyId: string): Promise<void> {
  const secret = operator.secretFor(team);
  const { stages } = await secret.state();
  if (!stagedQueue(stages).some((key) => key.keyId === keyId))
    throw new GroqKeyOperationError(`team ${team} has no staged key ${keyId}`);
  const known = await operator.records.read(team, keyId);
  const key = { keyId, name: known?.name };
  await auditGroqKeyOperation(operator, team, 'unstage_groq_key', key, 'taken out of the queue');
  await removeFromQueue(secret, stages, keyId);
  await operator.records.update(team, keyId, { unstagedAtEpochMs: operator.nowEpochMs });
}

/**
 * Marks a team's current key as revoked and returns it. The caller then starts a rotation; no rotation or watch makes the
 * revoked key current again.
 *
 * @throws GroqKeyOperationError if no other key is staged, which would stop the team's calls; if another key than the named
 * one is current; and, without a name, if the current key has just replaced a revoked one.
 */
export async function revokeGroqKey(
  operator: GroqKeyOperatorPorts,
  team: string,
  reason: string,
  keyId?: string,
): Promise<GroqKey> {
  const secret = operator.secretFor(team);
  const state = await secret.state();
  const { current } = await readActiveGroqKeys(secret, state);
  if (current === undefined) throw new GroqKeyOperationError(`team ${team} has no key to revoke`);
  if (keyId === undefined) await rejectRepeatedRevocation(operator, team, current);
  else if (keyId !== current.keyId)
    throw new GroqKeyOperationError(
      `${keyId} is not the current key, ${groqKeyDisplayName(current)} is; nothing was revoked`,
    );
  const needsStagedKey = (await operator.keySourceFor(team)) === 'staged';
  if (needsStagedKey && !hasNextStagedKey(state.stages, current))
    throw new GroqKeyOperationError(
      `team ${team} has no staged key to use instead; stage one first (groq-key stage). To stop the team's calls now, run budget pause --team ${team} and delete ${groqKeyDisplayName(current)} in Groq's console`,
    );
  await auditGroqKeyOperation(operator, team, 'revoke_groq_key', current, reason);
  await operator.records.update(team, current.keyId, { name: current.name, revokedAtEpochMs: operator.nowEpochMs });
  return current;
}

/** Rejects the second of two operators' concurrent revocations: it would revoke the replacement key. */
async function rejectRepeatedRevocation(
  { records, nowEpochMs }: GroqKeyOperatorPorts,
  team: string,
  current: GroqKey,
): Promise<void> {
  const replaces = (await records.read(team, current.keyId))?.replaces;
  const previous = replaces === undefined ? undefined : await records.read(team, replaces);
  if (previous?.revokedAtEpochMs === undefined) return;
  if (nowEpochMs - previous.revokedAtEpochMs >= REPEATED_REVOCATION_WINDOW_MS) return;
  throw new GroqKeyOperationError(
    `${groqKeyDisplayName(previous)} was revoked at ${formatUtc(previous.revokedAtEpochMs)} and replaced by ${groqKeyDisplayName(current)}; to revoke that one too, name it: --key ${current.keyId}`,
  );
}

/**
 * Removes the pending label that a failed rotation left, so that a new rotation can start now instead of when Secrets
 * Manager retries the failed one.
 *
 * @throws GroqKeyOperationError while the upstream's API may still be creating a key for it.
 */
export async function clearPendingVersion(operator: GroqKeyOperatorPorts, team: string): Promise<void> {
  const secret = operator.secretFor(team);
  const { stages, changedAtEpochMs } = await secret.state();
  const pending = findUnfinishedVersion(stages);
  if (pending === undefined) return;
  const isCreatedByApi = (await operator.keySourceFor(team)) === 'admin-api';
  if (isCreatedByApi && operator.nowEpochMs - changedAtEpochMs < KEY_CREATION_TIMEOUT_MS)
    throw new GroqKeyOperationError(
      `a rotation of team ${team} is in progress; check groq-key status in a few minutes`,
    );
  await secret.removeLabel(VERSION_LABEL.pending, pending);
}

/**
 * Records an operator's confirmation that a key is deleted at Groq, after testing the key where the secret still has it.
 *
 * @throws GroqKeyOperationError if the key is unknown or in use, or Groq still accepts it.
 */
export async function confirmGroqKeyDeleted(
  operator: GroqKeyOperatorPorts,
  team: string,
  keyId: string,
): Promise<GroqKeyRecord> {
  const known = await operator.records.read(team, keyId);
  if (known === undefined) throw new GroqKeyOperationError(`team ${team} has no key ${keyId}`);
  const state = groqKeyState(known);
  if (state === 'current' || state === 'pending' || state === 'staged')
    throw new GroqKeyOperationError(
      `${groqKeyDisplayName(known)} is ${state}; replace, revoke or unstage it before you delete it at Groq`,
    );
  const key = known.versionId === undefined ? undefined : await operator.secretFor(team).read(known.versionId);
  if (key?.keyId === keyId && (await isAccepted(operator, team, key)))
    throw new GroqKeyOperationError(
      `Groq still accepts ${groqKeyDisplayName(known)}; delete it in Groq's console first`,
    );
  await auditGroqKeyOperation(operator, team, 'confirm_groq_key_deleted', known, 'deleted at Groq');
  await operator.records.update(team, keyId, { deletedAtEpochMs: operator.nowEpochMs });
  return known;
}
