import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { MS_PER_DAY, utcText } from '../kernel/period.ts';
import { VERSION_LABEL, versionWith } from '../secrets/secret-versions.ts';
import { reportOf } from './groq-key-history.ts';
import type { GroqKeyPorts, GroqSecret, GroqSecretState } from './groq-key-ports.ts';
import { calledOf, type GroqKeyFacts, type GroqKeyRecord, type GroqKeyTimes } from './groq-key-record.ts';

/** How long a replaced key stays usable before its use is looked at, in milliseconds. */
export const OVERLAP_MS = MS_PER_DAY;

/** What the labels say: the key in use, and the one before it. */
export type KeysInUse = { readonly current: GroqKey | undefined; readonly previous: GroqKey | undefined };

/** Reads the keys that bear Secrets Manager's own labels. */
export async function keysInUse(secret: GroqSecret, { stages }: GroqSecretState): Promise<KeysInUse> {
  const read = async (label: string) => {
    const versionId = versionWith(stages, label);
    return versionId === undefined ? undefined : await secret.read(versionId);
  };
  return { current: await read(VERSION_LABEL.current), previous: await read(VERSION_LABEL.previous) };
}

/**
 * What follows once a key is current: it waits and pends no longer, the registry says what the labels say, and people are
 * told, with a first report. All of it may be done again.
 */
export async function promotion(ports: GroqKeyPorts, secret: GroqSecret, state: GroqSecretState): Promise<void> {
  const { records, nowEpochMs } = ports;
  const { team, stages } = state;
  const { current, previous } = await keysInUse(secret, state);
  const versionId = versionWith(stages, VERSION_LABEL.current);
  if (current === undefined || versionId === undefined) return;
  for (const staged of stagedQueue(stages).filter(({ keyId }) => keyId === current.keyId))
    await secret.unlabel(staged.label, staged.versionId);
  if (stages.get(versionId)?.includes(VERSION_LABEL.pending)) await secret.unlabel(VERSION_LABEL.pending, versionId);
  const old = previous?.keyId === current.keyId ? undefined : previous;
  const known = await records.read(team, current.keyId);
  if (!isMarkedCurrent(known)) {
    const replaces = old === undefined ? {} : { replaces: old.keyId };
    await records.note(team, current.keyId, { ...factsOf(current), ...CURRENT_AGAIN, ...replaces, versionId });
    // What was there before anyone looked, such as a first key put in by hand, is no news.
    const isNews = old !== undefined || known?.createdAtEpochMs !== undefined;
    const told = isNews ? {} : { toldAtEpochMs: nowEpochMs };
    await records.note(team, current.keyId, { currentFromEpochMs: nowEpochMs, ...told });
  }
  if (old !== undefined) await markReplaced(ports, secret, state, old, current.keyId);
  const now = await records.read(team, current.keyId);
  if (now === undefined || now.toldAtEpochMs !== undefined) return;
  const report = await keepReport(ports, now);
  await ports.herald.tell({
    kind: 'promoted',
    team,
    atEpochMs: nowEpochMs,
    keyId: current.keyId,
    keyName: current.name ?? '',
    ...(old === undefined ? {} : { otherKeyId: old.keyId }),
    report,
    lines: [
      `Team ${team} now uses the Groq key ${calledOf(current)}.`,
      ...(old === undefined ? [] : [afterlifeOf(old, (await records.read(team, old.keyId)) ?? {}, nowEpochMs)]),
      `Report: ${report}`,
    ],
  });
  await records.noteOnce(team, current.keyId, { toldAtEpochMs: nowEpochMs });
}

/** Writes the report of the rotation that made a key current; returns where it is. */
export async function keepReport(ports: GroqKeyPorts, key: GroqKeyRecord): Promise<string> {
  const day = utcText(key.currentFromEpochMs ?? ports.nowEpochMs).slice(0, 10);
  return await ports.herald.keep(`groq-keys/${key.team}/${day}-${key.keyId}.md`, await reportOf(ports, key));
}

/** What becomes of the key whose place was taken. */
function afterlifeOf(old: GroqKey, { revokedAtEpochMs }: GroqKeyTimes, nowEpochMs: number): string {
  if (revokedAtEpochMs !== undefined)
    return `${calledOf(old)} was switched off at ${utcText(revokedAtEpochMs)}: delete it in Groq's console now.`;
  return `${calledOf(old)} stays usable until it was unused for a day, from ${utcText(nowEpochMs + OVERLAP_MS)} on.`;
}

/** What a key that is current again has not been, whatever it was before. */
const CURRENT_AGAIN = {
  replacedAtEpochMs: null,
  replacedBy: null,
  returnedAtEpochMs: null,
  refusedAtEpochMs: null,
  unstagedAtEpochMs: null,
  retiredAtEpochMs: null,
  deletedAtEpochMs: null,
  toldAtEpochMs: null,
} as const satisfies GroqKeyFacts;

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
  { team, stages }: GroqSecretState,
  old: GroqKey,
  replacedBy: string,
): Promise<void> {
  const known = await records.read(team, old.keyId);
  const versionId = versionWith(stages, VERSION_LABEL.previous);
  // A key that was switched off is no way back, for no gateway.
  if (known?.revokedAtEpochMs !== undefined && versionId !== undefined)
    await secret.unlabel(VERSION_LABEL.previous, versionId);
  if (known?.replacedBy === replacedBy || known?.returnedAtEpochMs !== undefined) return;
  await records.noteOnce(team, old.keyId, factsOf(old));
  await records.note(team, old.keyId, {
    replacedAtEpochMs: nowEpochMs,
    replacedBy,
    ...(versionId === undefined ? {} : { versionId }),
  });
}

/** What a key's own value tells of it. */
export function factsOf({ name, upstreamId }: GroqKey): GroqKeyFacts {
  return { ...(name === undefined ? {} : { name }), ...(upstreamId === undefined ? {} : { upstreamId }) };
}
