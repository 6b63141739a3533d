import type { GroqKey } from '../groq/groq-key-versions.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import type { SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { clearLabel, readActiveGroqKeys, removeFromQueue } from './active-groq-keys.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import {
  type GroqKeyRecordPatch,
  type GroqKeyTimestamps,
  groqKeyDisplayName,
  isMarkedCurrent,
  RESET_ON_PROMOTION,
} from './groq-key-record.ts';
import { saveRotationReport } from './rotation-report-builder.ts';

/** The time that a replaced key stays usable before retirement looks at its use, in milliseconds. */
export const OVERLAP_MS = MS_PER_DAY;

/**
 * Completes a promotion once the secret's labels say that a key is current: removes its queue and pending labels, updates
 * the records, and notifies operators with a first report. Idempotent.
 */
export async function completePromotion(ports: GroqKeyPorts, secret: GroqSecret, state: SecretState): Promise<void> {
  const { current, previous } = await readActiveGroqKeys(secret, state);
  if (current === undefined) return;
  await removeFromQueue(secret, state.stages, current.keyId);
  await clearFinishedPending(secret, state);
  const old = previous?.keyId === current.keyId ? undefined : previous;
  await markCurrent(ports, state, current, old);
  if (old !== undefined) await markReplaced(ports, secret, state, old, current.keyId);
  await announcePromotion(ports, state.team, current, old);
}

/** Returns the facts of a record that a key's own value has. */
export function toRecordPatch({ name, upstreamId }: GroqKey): GroqKeyRecordPatch {
  return { name, upstreamId };
}

async function clearFinishedPending(secret: GroqSecret, { stages }: SecretState): Promise<void> {
  const current = findVersion(stages, VERSION_LABEL.current);
  if (current === findVersion(stages, VERSION_LABEL.pending)) await clearLabel(secret, stages, VERSION_LABEL.pending);
}

async function markCurrent(
  { records, nowEpochMs }: GroqKeyPorts,
  { team, stages }: SecretState,
  current: GroqKey,
  old: GroqKey | undefined,
): Promise<void> {
  const known = await records.read(team, current.keyId);
  if (isMarkedCurrent(known)) return;
  // A key that was current before anyone looked, such as a first key set by hand, is no news to operators.
  const isNews = old !== undefined || known?.createdAtEpochMs !== undefined;
  await records.update(team, current.keyId, {
    ...toRecordPatch(current),
    ...RESET_ON_PROMOTION,
    ...(isNews ? {} : { toldAtEpochMs: nowEpochMs }),
    replaces: old?.keyId,
    versionId: findVersion(stages, VERSION_LABEL.current),
    currentFromEpochMs: nowEpochMs,
  });
}

async function markReplaced(
  { records, nowEpochMs }: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: SecretState,
  old: GroqKey,
  replacedBy: string,
): Promise<void> {
  const known = await records.read(team, old.keyId);
  // Gateways fall back to the key with this label, and must not fall back to a revoked one.
  if (known?.revokedAtEpochMs !== undefined) await clearLabel(secret, stages, VERSION_LABEL.previous);
  if (known?.replacedBy === replacedBy || known?.returnedAtEpochMs !== undefined) return;
  await records.setIfAbsent(team, old.keyId, toRecordPatch(old));
  const versionId = findVersion(stages, VERSION_LABEL.previous);
  await records.update(team, old.keyId, { replacedAtEpochMs: nowEpochMs, replacedBy, versionId });
}

/** Notifies operators once that a key is current. */
async function announcePromotion(
  ports: GroqKeyPorts,
  team: string,
  current: GroqKey,
  old: GroqKey | undefined,
): Promise<void> {
  const { records, nowEpochMs } = ports;
  const record = await records.read(team, current.keyId);
  if (record === undefined || record.toldAtEpochMs !== undefined) return;
  const oldRecord = old === undefined ? undefined : await records.read(team, old.keyId);
  const report = await saveRotationReport(ports, record);
  await notifyOperators(ports, 'promoted', team, current, {
    otherKeyId: old?.keyId,
    report,
    lines: [
      `Team ${team} now uses the Groq key ${groqKeyDisplayName(current)}.`,
      ...(old === undefined ? [] : [describeReplacedKey(old, oldRecord ?? {}, nowEpochMs)]),
      `Report: ${report}`,
    ],
  });
  await records.setIfAbsent(team, current.keyId, { toldAtEpochMs: nowEpochMs });
}

function describeReplacedKey(old: GroqKey, { revokedAtEpochMs }: GroqKeyTimestamps, nowEpochMs: number): string {
  if (revokedAtEpochMs !== undefined)
    return `${groqKeyDisplayName(old)} was revoked at ${formatUtc(revokedAtEpochMs)}: delete it in Groq's console now.`;
  return `${groqKeyDisplayName(old)} stays usable until ${formatUtc(nowEpochMs + OVERLAP_MS)} at least, and until it has been unused for 24 hours.`;
}
