import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { auditGroqKeyOperation } from './groq-key-audit.ts';
import { GroqKeyOperationError, type GroqKeyOperatorPorts } from './groq-key-operator-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName, groqKeyState } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { readActiveGroqKeys } from './promote-groq-key.ts';

/** How long a rotation that makes its key may take, in milliseconds. */
const KEY_CREATION_TIMEOUT_MS = 300_000;
/** How long after a key was switched off its successor is only switched off by name, in milliseconds. */
const REPEATED_REVOCATION_WINDOW_MS = 900_000;

/** Takes a key out of a team's queue. @throws GroqKeyOperationError for one that does not wait. */
export async function unstageGroqKey(operator: GroqKeyOperatorPorts, team: string, keyId: string): Promise<void> {
  const secret = operator.secretFor(team);
  const staged = stagedQueue((await secret.state()).stages).filter((key) => key.keyId === keyId);
  if (staged.length === 0) throw new GroqKeyOperationError(`no key ${keyId} waits for team ${team}`);
  const known = await operator.records.read(team, keyId);
  await auditGroqKeyOperation(
    operator,
    team,
    'unstage_groq_key',
    { keyId, name: known?.name },
    'taken out of the queue',
  );
  for (const { label, versionId } of staged) await secret.removeLabel(label, versionId);
  await operator.records.update(team, keyId, { unstagedAtEpochMs: operator.nowEpochMs });
}

/**
 * Marks a team's current key as switched off, before the next one takes its place: from then on no rotation and no watch
 * goes back to it. Returns it.
 *
 * @throws GroqKeyOperationError where no other key waits, since then nothing but calls would be switched off; where another key
 * than the named one is current; and, without a name, where the current key has just taken a switched-off one's place.
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
  if (current === undefined) throw new GroqKeyOperationError(`team ${team} has no key that could be switched off`);
  if (keyId === undefined) await rejectRepeatedRevocation(operator, team, current);
  else if (keyId !== current.keyId)
    throw new GroqKeyOperationError(
      `the key ${keyId} is not current, but ${groqKeyDisplayName(current)} is; nothing was switched off`,
    );
  const isStaged = (await operator.keySourceFor(team)) === 'staged';
  if (isStaged && !stagedQueue(state.stages).some(({ keyId }) => keyId !== current.keyId))
    throw new GroqKeyOperationError(
      `no key waits for team ${team}, so there is nothing to go on with; stage one first (groq-key stage). To stop its calls now: budget pause --team ${team}, and delete ${groqKeyDisplayName(current)} in Groq's console`,
    );
  await auditGroqKeyOperation(operator, team, 'revoke_groq_key', current, reason);
  await operator.records.update(team, current.keyId, {
    ...(current.name === undefined ? {} : { name: current.name }),
    revokedAtEpochMs: operator.nowEpochMs,
  });
  return current;
}

/** Two operators may switch off the same key at once: the second one must not end the key that calls go on with. */
async function rejectRepeatedRevocation(
  { records, nowEpochMs }: GroqKeyOperatorPorts,
  team: string,
  current: GroqKey,
): Promise<void> {
  const replaces = (await records.read(team, current.keyId))?.replaces;
  const before = replaces === undefined ? undefined : await records.read(team, replaces);
  if (before?.revokedAtEpochMs === undefined || nowEpochMs - before.revokedAtEpochMs >= REPEATED_REVOCATION_WINDOW_MS)
    return;
  throw new GroqKeyOperationError(
    `${groqKeyDisplayName(before)} was switched off at ${formatUtc(before.revokedAtEpochMs)}, and ${groqKeyDisplayName(current)} is current since; to switch that one off, too, name it: --key ${current.keyId}`,
  );
}

/**
 * Clears the way for a rotation that an operator wants now: what a failed one left pending stands in its way, and AWS tries
 * that one again at times of its own. A key that upstream's API may just be making is left alone for a while.
 */
export async function clearPendingVersion(operator: GroqKeyOperatorPorts, team: string): Promise<void> {
  const secret = operator.secretFor(team);
  const { stages, changedAtEpochMs } = await secret.state();
  const pending = findVersion(stages, VERSION_LABEL.pending);
  if (pending === undefined || pending === findVersion(stages, VERSION_LABEL.current)) return;
  const isMade = (await operator.keySourceFor(team)) === 'admin-api';
  if (isMade && operator.nowEpochMs - changedAtEpochMs < KEY_CREATION_TIMEOUT_MS)
    throw new GroqKeyOperationError(
      `a rotation of team ${team} is under way; look at groq-key status in a few minutes`,
    );
  await secret.removeLabel(VERSION_LABEL.pending, pending);
}

/**
 * Takes an operator's word that a key is deleted at Groq; where the secret still has it, Groq is asked.
 *
 * @throws GroqKeyOperationError for a key that is in use or unknown, and for one that Groq still takes.
 */
export async function confirmGroqKeyDeleted(
  operator: GroqKeyOperatorPorts,
  team: string,
  keyId: string,
): Promise<GroqKeyRecord> {
  const known = await operator.records.read(team, keyId);
  if (known === undefined) throw new GroqKeyOperationError(`no key ${keyId} of team ${team} is known`);
  const state = groqKeyState(known);
  if (state === 'current' || state === 'pending' || state === 'staged')
    throw new GroqKeyOperationError(
      `${groqKeyDisplayName(known)} is ${state}; what is deleted at Groq must have been replaced, revoked or taken out of the queue (groq-key unstage) before`,
    );
  const held = known.versionId === undefined ? undefined : await operator.secretFor(team).read(known.versionId);
  if (held?.keyId === keyId && (await isAccepted(operator, team, held)))
    throw new GroqKeyOperationError(`Groq still takes ${groqKeyDisplayName(known)}; delete it in Groq's console first`);
  await auditGroqKeyOperation(operator, team, 'confirm_groq_key_deleted', known, 'deleted at Groq');
  await operator.records.update(team, keyId, { deletedAtEpochMs: operator.nowEpochMs });
  return known;
}
