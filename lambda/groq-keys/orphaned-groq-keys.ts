import { isAccepted, readActiveGroqKeys } from './active-groq-keys.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyState } from './groq-key-record.ts';
import { OVERLAP_MS } from './promote-groq-key.ts';

/** The states of a key that no team uses: its rotation crashed, or Groq refused it. */
const ORPHANED_STATES = ['pending', 'refused', 'returned'];

/** Deletes keys that the upstream's API created and no labelled version of the secret holds: they may still be valid. */
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
  // A refused key cannot authorize a deletion; the next day's run retries.
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
