import { auditGroqKeyChange } from './groq-key-audit.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyState } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { OVERLAP_MS, readActiveGroqKeys } from './promote-groq-key.ts';

/** How a key ends that upstream's API made and no team has: its rotation died, or Groq refused it. */
const ORPHANED_STATES = ['pending', 'refused', 'returned'];

/** Deletes keys that upstream's API made, and that no version of the secret with a label holds any more: they may still work. */
export async function deleteOrphanedGroqKeys(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  known: readonly GroqKeyRecord[],
): Promise<void> {
  const { keyApi, records, nowEpochMs } = ports;
  const orphanedKeys = known.filter((key) => isOrphaned(key, nowEpochMs));
  if (orphanedKeys.length === 0) return;
  const state = await secret.state();
  const { team, stages } = state;
  const { current } = await readActiveGroqKeys(secret, state);
  // Who is refused by upstream can delete nothing there; the next day's look does.
  if (current === undefined || !(await isAccepted(ports, team, current))) return;
  for (const { keyId, name, upstreamId, versionId } of orphanedKeys) {
    if (upstreamId === undefined || versionId === undefined) continue;
    if ((stages.get(versionId) ?? []).length > 0) continue;
    const details = `${name ?? keyId}: created for a rotation that did not use it`;
    await auditGroqKeyChange(ports, { team, action: 'delete_groq_key', keyId, details });
    await keyApi.remove(current.apiKey, upstreamId);
    await records.update(team, keyId, { deletedAtEpochMs: nowEpochMs });
  }
}

function isOrphaned(key: GroqKeyRecord, nowEpochMs: number): boolean {
  const sinceEpochMs = Math.max(
    key.createdAtEpochMs ?? nowEpochMs,
    key.refusedAtEpochMs ?? 0,
    key.returnedAtEpochMs ?? 0,
  );
  return (
    key.upstreamId !== undefined &&
    ORPHANED_STATES.includes(groqKeyState(key)) &&
    sinceEpochMs + OVERLAP_MS <= nowEpochMs
  );
}
