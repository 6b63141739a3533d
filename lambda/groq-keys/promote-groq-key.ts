import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import { readLabelled, type SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import {
  type GroqKeyRecord,
  type GroqKeyRecordPatch,
  type GroqKeyTimestamps,
  groqKeyDisplayName,
} from './groq-key-record.ts';
import { buildRotationReport } from './rotation-report-builder.ts';

/** How long a replaced key stays usable before its use is looked at, in milliseconds. */
export const OVERLAP_MS = MS_PER_DAY;

/** What the labels say: the key in use, and the one before it. */
export type ActiveGroqKeys = { readonly current: GroqKey | undefined; readonly previous: GroqKey | undefined };

/** Reads the keys that bear Secrets Manager's own labels. */
export async function readActiveGroqKeys(secret: GroqSecret, { stages }: SecretState): Promise<ActiveGroqKeys> {
  return {
    current: await readLabelled(secret, stages, VERSION_LABEL.current),
    previous: await readLabelled(secret, stages, VERSION_LABEL.previous),
  };
}

/**
 * What follows once a key is current: it waits and pends no longer, the registry says what the labels say, and people are
 * told, with a first report. All of it may be done again.
 */
export async function completePromotion(ports: GroqKeyPorts, secret: GroqSecret, state: SecretState): Promise<void> {
  const { records, nowEpochMs } = ports;
  const { team, stages } = state;
  const { current, previous } = await readActiveGroqKeys(secret, state);
  const versionId = findVersion(stages, VERSION_LABEL.current);
  if (current === undefined || versionId === undefined) return;
  for (const staged of stagedQueue(stages).filter(({ keyId }) => keyId === current.keyId))
    await secret.removeLabel(staged.label, staged.versionId);
  if (stages.get(versionId)?.includes(VERSION_LABEL.pending))
    await secret.removeLabel(VERSION_LABEL.pending, versionId);
  const old = previous?.keyId === current.keyId ? undefined : previous;
  const known = await records.read(team, current.keyId);
  if (!isMarkedCurrent(known)) {
    const replaces = old === undefined ? {} : { replaces: old.keyId };
    await records.update(team, current.keyId, {
      ...toRecordPatch(current),
      ...RESET_ON_PROMOTION,
      ...replaces,
      versionId,
    });
    // What was there before anyone looked, such as a first key put in by hand, is no news.
    const isNews = old !== undefined || known?.createdAtEpochMs !== undefined;
    const told = isNews ? {} : { toldAtEpochMs: nowEpochMs };
    await records.update(team, current.keyId, { currentFromEpochMs: nowEpochMs, ...told });
  }
  if (old !== undefined) await markReplaced(ports, secret, state, old, current.keyId);
  const now = await records.read(team, current.keyId);
  if (now === undefined || now.toldAtEpochMs !== undefined) return;
  const report = await saveRotationReport(ports, now);
  await notifyOperators(ports, 'promoted', team, current, {
    otherKeyId: old?.keyId,
    report,
    lines: [
      `Team ${team} now uses the Groq key ${groqKeyDisplayName(current)}.`,
      ...(old === undefined ? [] : [describeReplacedKey(old, (await records.read(team, old.keyId)) ?? {}, nowEpochMs)]),
      `Report: ${report}`,
    ],
  });
  await records.setIfAbsent(team, current.keyId, { toldAtEpochMs: nowEpochMs });
}

/** Writes the report of the rotation that made a key current; returns where it is. */
export async function saveRotationReport(ports: GroqKeyPorts, key: GroqKeyRecord): Promise<string> {
  const day = formatUtc(key.currentFromEpochMs ?? ports.nowEpochMs).slice(0, 10);
  return await ports.notifier.saveReport(
    `groq-keys/${key.team}/${day}-${key.keyId}.md`,
    await buildRotationReport(ports, key),
  );
}

/** What becomes of the key whose place was taken. */
function describeReplacedKey(old: GroqKey, { revokedAtEpochMs }: GroqKeyTimestamps, nowEpochMs: number): string {
  if (revokedAtEpochMs !== undefined)
    return `${groqKeyDisplayName(old)} was switched off at ${formatUtc(revokedAtEpochMs)}: delete it in Groq's console now.`;
  return `${groqKeyDisplayName(old)} stays usable until it was unused for a day, from ${formatUtc(nowEpochMs + OVERLAP_MS)} on.`;
}

/** What a key that is current again has not been, whatever it was before. */
const RESET_ON_PROMOTION = {
  replacedAtEpochMs: null,
  replacedBy: null,
  returnedAtEpochMs: null,
  refusedAtEpochMs: null,
  unstagedAtEpochMs: null,
  retiredAtEpochMs: null,
  deletedAtEpochMs: null,
  toldAtEpochMs: null,
} as const satisfies GroqKeyRecordPatch;

function isMarkedCurrent(known: GroqKeyRecord | undefined): boolean {
  return (
    known?.currentFromEpochMs !== undefined &&
    known.replacedAtEpochMs === undefined &&
    known.returnedAtEpochMs === undefined
  );
}

async function markReplaced(
  { records, nowEpochMs }: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: SecretState,
  old: GroqKey,
  replacedBy: string,
): Promise<void> {
  const known = await records.read(team, old.keyId);
  const versionId = findVersion(stages, VERSION_LABEL.previous);
  // A key that was switched off is no way back, for no gateway.
  if (known?.revokedAtEpochMs !== undefined && versionId !== undefined)
    await secret.removeLabel(VERSION_LABEL.previous, versionId);
  if (known?.replacedBy === replacedBy || known?.returnedAtEpochMs !== undefined) return;
  await records.setIfAbsent(team, old.keyId, toRecordPatch(old));
  await records.update(team, old.keyId, {
    replacedAtEpochMs: nowEpochMs,
    replacedBy,
    ...(versionId === undefined ? {} : { versionId }),
  });
}

/** What a key's own value tells of it. */
export function toRecordPatch({ name, upstreamId }: GroqKey): GroqKeyRecordPatch {
  return { ...(name === undefined ? {} : { name }), ...(upstreamId === undefined ? {} : { upstreamId }) };
}
