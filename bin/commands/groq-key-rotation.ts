import { setTimeout as sleep } from 'node:timers/promises';
import { type GroqKey, stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import { isAccepted, readActiveGroqKeys } from '../../lambda/groq-keys/active-groq-keys.ts';
import { groqKeyDisplayName } from '../../lambda/groq-keys/groq-key-record.ts';
import { clearPendingVersion, revokeGroqKey } from '../../lambda/groq-keys/groq-key-removal.ts';
import { hourAt } from '../../lambda/kernel/period.ts';
import { addGroqKeyUse, NO_GROQ_KEY_USE } from '../../lambda/usage/groq-key-use.ts';
import { CommandError } from '../command-error.ts';
import type { OpenedGroqKeys } from '../groq-key-operator.ts';
import { type GroqKeyOptions, type RevokeGroqKeyOptions, runGroqKeyCommand } from './groq-key-command.ts';

const ROTATION_TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 500;

/** `groq-key rotate`: starts a rotation in Secrets Manager and waits for the new key to become current. */
export async function rotateKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async (keys) => {
    const { operator, team } = keys;
    const { stages } = await operator.secretFor(team).state();
    if ((await operator.keySourceFor(team)) === 'staged' && stagedQueue(stages).length === 0)
      throw new CommandError(
        `no key is staged for team ${team}, so its current key stays in use; stage one first: groq-key stage`,
      );
    const { before, after } = await rotateAndWait(keys);
    // The rotation has succeeded even if Groq does not respond now.
    const isUsable = await isAccepted(operator, team, before).catch(() => true);
    const oldKey = isUsable
      ? `${groqKeyDisplayName(before)} stays usable for at least a day.`
      : `Groq rejects ${groqKeyDisplayName(before)}: see groq-key status.`;
    return {
      text: `Team ${team} now uses ${groqKeyDisplayName(after)}. ${oldKey}`,
      json: { current: keyReference(after), previous: keyReference(before), is_previous_usable: isUsable },
    };
  });
}

/** `groq-key revoke`: stops using the current key, rotates to the next one, and counts the calls that failed meanwhile. */
export async function revokeKey(options: RevokeGroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async (keys) => {
    const { operator, team } = keys;
    const revoked = await revokeGroqKey(operator, team, options.reason, options.key);
    const { after } = await rotateAndWait(keys);
    const nowEpochMs = Date.now();
    const rows = await operator.use.readGroqKeyUse(team, hourAt(operator.nowEpochMs), hourAt(nowEpochMs));
    const onRevoked = rows.filter(({ keyId }) => keyId === revoked.keyId).reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
    const failed = rows.reduce((sum, row) => sum + row.failed, 0);
    const seconds = Math.round((nowEpochMs - operator.nowEpochMs) / 1000);
    const text = [
      `Revoked ${groqKeyDisplayName(revoked)}. Team ${team} uses ${groqKeyDisplayName(after)} since ${seconds} s after the revocation began. Gateways switch within a minute, or on the first 401 from Groq.`,
      `Calls since ${hourAt(operator.nowEpochMs)}:00Z (counts lag by seconds): ${failed} failed without a usable key; ${onRevoked.requests} were answered with the revoked key, and Groq rejected it ${onRevoked.refused} times.`,
      `Next: delete ${groqKeyDisplayName(revoked)} in the Groq console, because anyone who has it can use it until then. Then run: groq-key confirm-deleted --team ${team} --key ${revoked.keyId}`,
    ].join('\n');
    const lost = { failed, answered_with_revoked: onRevoked.requests, refused: onRevoked.refused };
    return { text, json: { revoked: keyReference(revoked), current: keyReference(after), since_hour: lost } };
  });
}

/** Rotates a team's key. @throws CommandError when no other key becomes current before the timeout. */
async function rotateAndWait({
  operator,
  team,
  startRotation,
}: OpenedGroqKeys): Promise<{ before: GroqKey; after: GroqKey }> {
  const secret = operator.secretFor(team);
  const readCurrent = async () => (await readActiveGroqKeys(secret, await secret.state())).current;
  const before = await readCurrent();
  if (before === undefined) throw new CommandError(`team ${team} has no Groq key; set its first one: groq-key set`);
  await clearPendingVersion(operator, team);
  await startRotation();
  const deadlineMs = performance.now() + ROTATION_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const after = await readCurrent();
    if (after !== undefined && after.keyId !== before.keyId) return { before, after };
    await sleep(POLL_INTERVAL_MS);
  }
  throw new CommandError(
    `the rotation started, but ${groqKeyDisplayName(before)} is still current after ${ROTATION_TIMEOUT_MS / 1000} s; check groq-key status and the log of the rotation function`,
  );
}

function keyReference({ keyId, name }: GroqKey): object {
  return { keyId, ...(name === undefined ? {} : { name }) };
}
