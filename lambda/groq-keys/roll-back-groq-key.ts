import type { GroqKey } from '../groq/groq-key-versions.ts';
import type { SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { groqKeyDisplayName } from './groq-key-record.ts';
import { saveRotationReport, toRecordPatch } from './promote-groq-key.ts';

/** Makes the key before the current one current again: Groq refuses the current one, and takes the other. */
export async function rollBackGroqKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  state: SecretState,
  { bad, good }: { readonly bad: GroqKey; readonly good: GroqKey },
): Promise<void> {
  const [from, to] = [VERSION_LABEL.current, VERSION_LABEL.previous].map((label) => findVersion(state.stages, label));
  if (from === undefined || to === undefined) return;
  const { team } = state;
  const details = `${bad.name ?? bad.keyId} is refused by Groq; ${good.name ?? good.keyId} (Groq key ${good.keyId}) is current again`;
  await auditGroqKeyChange(ports, { team, action: 'return_groq_key', keyId: bad.keyId, uniqueId: from, details });
  // Before the move: who finds a good key current that this one had replaced knows what has begun.
  await ports.records.update(team, bad.keyId, { ...toRecordPatch(bad), returnedAtEpochMs: ports.nowEpochMs });
  await secret.moveCurrent(to, from);
  await completeRollback(ports, secret, await secret.state(), { bad, good });
}

/** The rest of a return, once the good key is current. */
export async function completeRollback(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: SecretState,
  { bad, good }: { readonly bad: Pick<GroqKey, 'keyId' | 'name'>; readonly good: GroqKey },
): Promise<void> {
  const { records, nowEpochMs } = ports;
  const versionId = findVersion(stages, VERSION_LABEL.previous);
  // Else gateways would go on trying it, and it would stand where the next rotation looks for a way back.
  if (versionId !== undefined)
    for (const label of [VERSION_LABEL.previous, VERSION_LABEL.pending]) await secret.removeLabel(label, versionId);
  const refused = await records.read(team, bad.keyId);
  const report = refused === undefined ? undefined : await saveRotationReport(ports, refused);
  await notifyOperators(ports, 'returned', team, good, {
    otherKeyId: bad.keyId,
    report,
    lines: [
      `Groq refuses the Groq key ${groqKeyDisplayName(bad)} of team ${team}, so ${groqKeyDisplayName(good)} is current again.`,
      'Find out in the Groq console what became of the refused key, and stage another.',
    ],
  });
  await records.setIfAbsent(team, good.keyId, { currentFromEpochMs: nowEpochMs });
  // Last: until it is done, whoever looks sees a return that has not ended.
  await records.update(team, good.keyId, { replacedAtEpochMs: null, replacedBy: null });
}
