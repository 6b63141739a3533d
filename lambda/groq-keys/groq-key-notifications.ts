import type { GroqKey } from '../groq/groq-key-versions.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import { notifyOperators } from './groq-key-events.ts';
import type { GroqKeyPorts } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName } from './groq-key-record.ts';
import { StagedKeyMissingError } from './groq-key-source.ts';

/** The time between two reminders, in milliseconds: a day, less the jitter of the daily schedule. */
const REMINDER_INTERVAL_MS = MS_PER_DAY - 600_000;

/** Returns true if operators have had no reminder of a key for a day. */
export function isReminderDue(
  { remindedAtEpochMs = 0 }: Pick<GroqKeyRecord, 'remindedAtEpochMs'>,
  nowEpochMs: number,
): boolean {
  return nowEpochMs - remindedAtEpochMs >= REMINDER_INTERVAL_MS;
}

/** Asks operators to delete keys in Groq's console, and to confirm it: the gateway cannot see it happen. */
export async function requestDeletion(
  ports: GroqKeyPorts,
  team: string,
  keys: readonly GroqKeyRecord[],
): Promise<void> {
  const { records, environmentName, nowEpochMs } = ports;
  for (const key of keys) {
    const since = formatUtc(key.retiredAtEpochMs ?? key.revokedAtEpochMs ?? nowEpochMs);
    await notifyOperators(ports, 'deletion_requested', team, key, {
      lines: [
        `Delete the key ${groqKeyDisplayName(key)} of team ${team} in Groq's console: it has been out of use since ${since}, and Groq still accepts it.`,
        `Then confirm it: npx groq-rbac groq-key confirm-deleted --team ${team} --key ${key.keyId} --env ${environmentName}`,
      ],
    });
    await records.update(team, key.keyId, { remindedAtEpochMs: nowEpochMs });
  }
}

/** Notifies operators that a rotation needs a staged key; at most once a day, since an alarm stays on meanwhile. */
export async function notifyStagedKeyMissing(ports: GroqKeyPorts, team: string, current: GroqKey): Promise<void> {
  const { records, nowEpochMs, environmentName } = ports;
  const record = await records.read(team, current.keyId);
  if (!isReminderDue(record ?? {}, nowEpochMs)) return;
  await notifyOperators(ports, 'staged_key_missing', team, current, {
    lines: [`Team ${team}: ${new StagedKeyMissingError(team, environmentName).message}`],
  });
  await records.update(team, current.keyId, { remindedAtEpochMs: nowEpochMs });
}
