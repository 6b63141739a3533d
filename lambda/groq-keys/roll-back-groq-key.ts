import type { GroqKey } from '../groq/groq-key-versions.ts';
import type { SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { groqKeyDisplayName } from './groq-key-record.ts';
import { toRecordPatch } from './promote-groq-key.ts';
import { saveRotationReport } from './rotation-report-builder.ts';

/** Makes the previous key (`good`) current again, because Groq refuses the current one (`bad`). */
export async function rollBackGroqKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: SecretState,
  { bad, good }: { readonly bad: GroqKey; readonly good: GroqKey },
): Promise<void> {
  const from = findVersion(stages, VERSION_LABEL.current);
  const to = findVersion(stages, VERSION_LABEL.previous);
  if (from === undefined || to === undefined) return;
  const details = `${bad.name ?? bad.keyId} is refused by Groq; ${good.name ?? good.keyId} (Groq key ${good.keyId}) is current again`;
  await auditGroqKeyChange(ports, { team, action: 'return_groq_key', keyId: bad.keyId, uniqueId: from, details });
  // Before the labels move: after a crash, the next watch recognizes an unfinished rollback by this mark.
  await ports.records.update(team, bad.keyId, { ...toRecordPatch(bad), returnedAtEpochMs: ports.nowEpochMs });
  await secret.moveCurrent(to, from);
  await completeRollback(ports, secret, await secret.state(), { bad, good });
}

/** Completes a rollback once the good key is current. Idempotent. */
export async function completeRollback(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: SecretState,
  { bad, good }: { readonly bad: Pick<GroqKey, 'keyId' | 'name'>; readonly good: GroqKey },
): Promise<void> {
  const { records, nowEpochMs } = ports;
  const versionId = findVersion(stages, VERSION_LABEL.previous);
  // Gateways and the next rotation would fall back to the refused key while its version has these labels.
  if (versionId !== undefined)
    for (const label of [VERSION_LABEL.previous, VERSION_LABEL.pending]) await secret.removeLabel(label, versionId);
  const badRecord = await records.read(team, bad.keyId);
  const report = badRecord === undefined ? undefined : await saveRotationReport(ports, badRecord);
  await notifyOperators(ports, 'returned', team, good, {
    otherKeyId: bad.keyId,
    report,
    lines: [
      `Groq refuses the Groq key ${groqKeyDisplayName(bad)} of team ${team}, so ${groqKeyDisplayName(good)} is current again.`,
      'Check the refused key in the Groq console, and stage another.',
    ],
  });
  await records.setIfAbsent(team, good.keyId, { currentFromEpochMs: nowEpochMs });
  // Last: until then, the next watch finds the rollback unfinished and repeats this function.
  await records.update(team, good.keyId, { replacedAtEpochMs: null, replacedBy: null });
}
