import type { GroqKey } from '../groq/groq-key-versions.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import type { GroqKeyPorts } from './groq-key-ports.ts';
import { type GroqKeyRecord, groqKeyDisplayName } from './groq-key-record.ts';
import { StagedKeyMissingError } from './groq-key-source.ts';

/** How often operators are reminded, in milliseconds: a day, less what a schedule may be early by. */
const REMIND_EVERY_MS = MS_PER_DAY - 600_000;

/** Whether operators have not been told of a key for a day. */
export function isReminderDue(
  { remindedAtEpochMs = 0 }: Pick<GroqKeyRecord, 'remindedAtEpochMs'>,
  nowEpochMs: number,
): boolean {
  return nowEpochMs - remindedAtEpochMs >= REMIND_EVERY_MS;
}

/** Asks operators to delete keys in Groq's console, where nobody but them sees it done. */
export async function requestDeletion(
  { notifier, records, environmentName, nowEpochMs }: GroqKeyPorts,
  team: string,
  keys: readonly GroqKeyRecord[],
): Promise<void> {
  for (const key of keys) {
    const since = formatUtc(key.retiredAtEpochMs ?? key.revokedAtEpochMs ?? nowEpochMs);
    await notifier.notify({
      kind: 'deletion_requested',
      team,
      atEpochMs: nowEpochMs,
      keyId: key.keyId,
      keyName: key.name ?? '',
      lines: [
        `Delete the key ${groqKeyDisplayName(key)} of team ${team} in Groq's console: nothing uses it since ${since}, and it still works.`,
        `Then confirm it: npx groq-rbac groq-key confirm-deleted --team ${team} --key ${key.keyId} --env ${environmentName}`,
      ],
    });
    await records.update(team, key.keyId, { remindedAtEpochMs: nowEpochMs });
  }
}

/** Tells that a rotation is wanted and no key waits; at most once a day, since the alarm rings all the while. */
export async function notifyStagedKeyMissing(
  { records, notifier, nowEpochMs, environmentName }: GroqKeyPorts,
  team: string,
  current: GroqKey,
): Promise<void> {
  const record = await records.read(team, current.keyId);
  if (!isReminderDue(record ?? {}, nowEpochMs)) return;
  await notifier.notify({
    kind: 'staged_key_missing',
    team,
    atEpochMs: nowEpochMs,
    keyId: current.keyId,
    keyName: current.name ?? '',
    lines: [`Team ${team}: ${new StagedKeyMissingError(team, environmentName).message}`],
  });
  await records.update(team, current.keyId, { remindedAtEpochMs: nowEpochMs });
}
