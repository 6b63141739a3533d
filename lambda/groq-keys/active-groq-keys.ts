import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { readLabelled, type SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL, type VersionLabels } from '../secrets/secret-versions.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';

/** The time without a change after which a pending version counts as left by a crashed rotation, in milliseconds. */
const STALE_PENDING_AFTER_MS = 15 * 60_000;

/** The key in use and the one before it, by the secret's labels. */
export type ActiveGroqKeys = { readonly current: GroqKey | undefined; readonly previous: GroqKey | undefined };

/** Reads the current and the previous key. */
export async function readActiveGroqKeys(
  secret: GroqSecret,
  { stages }: Pick<SecretState, 'stages'>,
): Promise<ActiveGroqKeys> {
  return {
    current: await readLabelled(secret, stages, VERSION_LABEL.current),
    previous: await readLabelled(secret, stages, VERSION_LABEL.previous),
  };
}

/** Asks Groq whether it accepts a key, and counts the probe. */
export async function isAccepted(ports: GroqKeyPorts, team: string, key: GroqKey): Promise<boolean> {
  const accepted = await ports.probe.isAccepted(key.apiKey);
  await ports.records.countProbe(team, key.keyId, accepted, ports.nowEpochMs);
  return accepted;
}

/** Returns true if Groq accepts the current or the previous key; if it accepts neither, a refusal proves nothing. */
export async function isAnyActiveKeyAccepted(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  state: SecretState,
): Promise<boolean> {
  const { current, previous } = await readActiveGroqKeys(secret, state);
  for (const key of [current, previous])
    if (key !== undefined && (await isAccepted(ports, state.team, key))) return true;
  return false;
}

/** Returns the version that a rotation has begun and not finished. */
export function findUnfinishedVersion(stages: VersionLabels): string | undefined {
  const pending = findVersion(stages, VERSION_LABEL.pending);
  return pending === findVersion(stages, VERSION_LABEL.current) ? undefined : pending;
}

/** Returns true if a key other than the current one is staged. */
export function hasNextStagedKey(stages: VersionLabels, current: GroqKey): boolean {
  return stagedQueue(stages).some(({ keyId }) => keyId !== current.keyId);
}

/** Removes a key from the queue. */
export async function removeFromQueue(secret: GroqSecret, stages: VersionLabels, keyId: string): Promise<void> {
  for (const staged of stagedQueue(stages).filter((key) => key.keyId === keyId))
    await secret.removeLabel(staged.label, staged.versionId);
}

/** Removes a label from the version that has it, if any does. */
export async function clearLabel(secret: GroqSecret, stages: VersionLabels, label: string): Promise<void> {
  const versionId = findVersion(stages, label);
  if (versionId !== undefined) await secret.removeLabel(label, versionId);
}

/** Removes the pending label of a crashed rotation, which would block every later one. Returns the secret's state after that. */
export async function clearStalePending(ports: GroqKeyPorts, secret: GroqSecret): Promise<SecretState> {
  const state = await secret.state();
  const { team, stages, changedAtEpochMs } = state;
  if (findVersion(stages, VERSION_LABEL.pending) === undefined) return state;
  if (ports.nowEpochMs - changedAtEpochMs < STALE_PENDING_AFTER_MS) return state;
  await clearLabel(secret, stages, VERSION_LABEL.pending);
  const unfinished = findUnfinishedVersion(stages);
  if (unfinished !== undefined) {
    const keyId = (await secret.read(unfinished))?.keyId ?? '';
    await notifyOperators(
      ports,
      'pending_label_removed',
      team,
      { keyId },
      {
        lines: [
          `The rotation of team ${team}'s Groq key has made no progress since ${formatUtc(changedAtEpochMs)}. Its pending version was dropped, so the next rotation can start.`,
        ],
      },
    );
  }
  return await secret.state();
}
