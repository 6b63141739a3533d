import { hourAt, MS_PER_DAY } from '../kernel/period.ts';
import type { GroqKeySourceName } from '../policy/environment-schema.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { addGroqKeyUse, NO_GROQ_KEY_USE } from '../usage/groq-key-use.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import { isReminderDue, requestDeletion } from './groq-key-notifications.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName, groqKeyState } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { deleteOrphanedGroqKeys } from './orphaned-groq-keys.ts';
import { OVERLAP_MS, readActiveGroqKeys, saveRotationReport } from './promote-groq-key.ts';

/** What a day's look at a team's replaced keys came to. */
export type GroqKeyRetirement = {
  readonly retired: readonly GroqKeyRecord[];
  /** Keys whose overlap is over, and that calls are still sent with. */
  readonly inUse: readonly GroqKeyRecord[];
  /** Keys that an operator is asked to delete in Groq's console. */
  readonly toDelete: readonly GroqKeyRecord[];
};

/**
 * Retires a team's replaced keys with which no call was sent for 24 hours: no gateway is given them any more, and they are
 * deleted by upstream's API, or an operator is asked to, who is reminded every day until it is confirmed.
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

/** A replaced key after its overlap; a revoked one too, which operators have been asked to delete meanwhile. */
function isOverlapOver(key: GroqKeyRecord, nowEpochMs: number): boolean {
  if (key.retiredAtEpochMs !== undefined || key.replacedAtEpochMs === undefined) return false;
  const state = groqKeyState(key);
  return (state === 'replaced' || state === 'revoked') && key.replacedAtEpochMs + OVERLAP_MS <= nowEpochMs;
}

async function isUsed({ use, nowEpochMs }: GroqKeyPorts, { team, keyId }: GroqKeyRecord): Promise<boolean> {
  // From the whole hour in which the last 24 began.
  const rows = await use.readGroqKeyUse(team, hourAt(nowEpochMs - MS_PER_DAY), hourAt(nowEpochMs));
  const { requests, refused, failed } = rows
    .filter((row) => row.keyId === keyId)
    .reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
  // A refused call, too, tells of a gateway that still has the key.
  return requests + refused + failed > 0;
}

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
  // Whatever the registry says: a key that gateways are given is not retired.
  if (current === undefined || current.keyId === keyId) return false;
  // While Groq refuses the current key, this one may be all that calls go on with.
  if (!(await isAccepted(ports, team, current))) return false;
  const details = `${key.name ?? keyId}: replaced by ${key.replacedBy}, and no call was sent with it for 24 hours`;
  await auditGroqKeyChange(ports, { team, action: 'retire_groq_key', keyId, details });
  const versionId = findVersion(state.stages, VERSION_LABEL.previous);
  if (previous?.keyId === keyId && versionId !== undefined) await secret.removeLabel(VERSION_LABEL.previous, versionId);
  const isDeletable = source === 'admin-api' && upstreamId !== undefined;
  if (isDeletable) await ports.keyApi.remove(current.apiKey, upstreamId);
  await records.update(team, keyId, {
    retiredAtEpochMs: nowEpochMs,
    ...(isDeletable ? { deletedAtEpochMs: nowEpochMs } : {}),
  });
  const next = key.replacedBy === undefined ? undefined : await records.read(team, key.replacedBy);
  const report = next === undefined ? undefined : await saveRotationReport(ports, next);
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
