import type { GroqKeySourceName } from '../policy/environment-schema.ts';
import { VERSION_LABEL } from '../secrets/secret-versions.ts';
import { clearLabel, isAccepted, readActiveGroqKeys } from './active-groq-keys.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import { readLastDayUse, sumKeyUse } from './groq-key-list.ts';
import { isReminderDue, requestDeletion } from './groq-key-notifications.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName, groqKeyState } from './groq-key-record.ts';
import { deleteOrphanedGroqKeys } from './orphaned-groq-keys.ts';
import { OVERLAP_MS } from './promote-groq-key.ts';
import { saveRotationReport } from './rotation-report-builder.ts';

/** The result of a day's retirement of one team's replaced keys. */
export type GroqKeyRetirement = {
  readonly retired: readonly GroqKeyRecord[];
  /** Keys past their overlap that calls are still sent with. */
  readonly inUse: readonly GroqKeyRecord[];
  /** Keys that an operator was asked to delete in Groq's console. */
  readonly toDelete: readonly GroqKeyRecord[];
};

/**
 * Retires a team's replaced keys that no call was sent with for 24 hours: removes them from the secret, and deletes them
 * by the upstream's API or asks operators to, daily until they confirm it.
 */
export async function retireGroqKeys(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  team: string,
): Promise<GroqKeyRetirement> {
  const source = await ports.keySourceFor(team);
  const retired: GroqKeyRecord[] = [];
  const inUse: GroqKeyRecord[] = [];
  for (const key of await ports.records.list(team)) {
    if (!isOverlapOver(key, ports.nowEpochMs)) continue;
    if (await isUsed(ports, key)) inUse.push(key);
    else if (await retire(ports, secret, source, key)) retired.push(key);
  }
  const known = await ports.records.list(team);
  if (source === 'admin-api') await deleteOrphanedGroqKeys(ports, secret, known);
  const toDelete = known.filter((key) => needsDeletion(key) && isReminderDue(key, ports.nowEpochMs));
  await requestDeletion(ports, team, toDelete);
  return { retired, inUse, toDelete };
}

/** Returns true for a replaced key after its overlap, also if it was revoked meanwhile. */
function isOverlapOver(key: GroqKeyRecord, nowEpochMs: number): boolean {
  if (key.retiredAtEpochMs !== undefined || key.replacedAtEpochMs === undefined) return false;
  const state = groqKeyState(key);
  return (state === 'replaced' || state === 'revoked') && key.replacedAtEpochMs + OVERLAP_MS <= nowEpochMs;
}

async function isUsed({ use, nowEpochMs }: GroqKeyPorts, { team, keyId }: GroqKeyRecord): Promise<boolean> {
  const { requests, refused, failed } = sumKeyUse(await readLastDayUse(use, team, nowEpochMs), keyId);
  // A refused call counts too: it shows that a gateway still has the key.
  return requests + refused + failed > 0;
}

/** Retires one key. Returns false if it must stay for now. */
async function retire(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  source: GroqKeySourceName,
  key: GroqKeyRecord,
): Promise<boolean> {
  const { records, nowEpochMs } = ports;
  const { team, keyId, upstreamId } = key;
  const state = await secret.state();
  const { current, previous } = await readActiveGroqKeys(secret, state);
  // The labels decide, whatever the registry says: gateways use the key that is current by its label.
  if (current === undefined || current.keyId === keyId) return false;
  // While Groq refuses the current key, gateways may depend on this one.
  if (!(await isAccepted(ports, team, current))) return false;
  const details = `${key.name ?? keyId}: replaced by ${key.replacedBy}, and no call was sent with it for 24 hours`;
  await auditGroqKeyChange(ports, { team, action: 'retire_groq_key', keyId, details });
  if (previous?.keyId === keyId) await clearLabel(secret, state.stages, VERSION_LABEL.previous);
  const isDeletable = source === 'admin-api' && upstreamId !== undefined;
  if (isDeletable) await ports.keyApi.remove(current.apiKey, upstreamId);
  await records.update(team, keyId, {
    retiredAtEpochMs: nowEpochMs,
    deletedAtEpochMs: isDeletable ? nowEpochMs : undefined,
  });
  const successor = key.replacedBy === undefined ? undefined : await records.read(team, key.replacedBy);
  const report = successor === undefined ? undefined : await saveRotationReport(ports, successor);
  await notifyOperators(ports, 'retired', team, key, {
    otherKeyId: key.replacedBy,
    report,
    lines: [
      `The Groq key ${groqKeyDisplayName(key)} of team ${team} is retired: no call was sent with it for 24 hours.`,
      ...(isDeletable ? ['It is deleted at Groq.'] : []),
      ...(report === undefined ? [] : [`Report: ${report}`]),
    ],
  });
  return true;
}

function needsDeletion(key: GroqKeyRecord): boolean {
  const isEnded = key.retiredAtEpochMs !== undefined || key.revokedAtEpochMs !== undefined;
  return isEnded && key.deletedAtEpochMs === undefined;
}
