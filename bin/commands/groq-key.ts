import { setTimeout as sleep } from 'node:timers/promises';
import { type GroqKey, stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import { isAccepted, readActiveGroqKeys } from '../../lambda/groq-keys/active-groq-keys.ts';
import { isGroqKeyName } from '../../lambda/groq-keys/groq-key-name.ts';
import { setGroqKey, stageGroqKey } from '../../lambda/groq-keys/groq-key-operations.ts';
import { GroqKeyOperationError } from '../../lambda/groq-keys/groq-key-operator-ports.ts';
import { groqKeyDisplayName } from '../../lambda/groq-keys/groq-key-record.ts';
import {
  clearPendingVersion,
  confirmGroqKeyDeleted,
  revokeGroqKey,
  unstageGroqKey,
} from '../../lambda/groq-keys/groq-key-removal.ts';
import { hourAt } from '../../lambda/kernel/period.ts';
import { addGroqKeyUse, NO_GROQ_KEY_USE } from '../../lambda/usage/groq-key-use.ts';
import { CommandError } from '../deployment.ts';
import { type OpenedGroqKeys, openGroqKeys } from '../groq-key-operator.ts';
import { readSecret } from '../secret-prompt.ts';
import type { EnvironmentSelector } from '../stores.ts';

/** What a command on Groq keys is told. */
export type GroqKeyOptions = EnvironmentSelector & {
  readonly team: string | undefined;
  readonly name: string | undefined;
  readonly key: string | undefined;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** How long a rotation is waited for, in milliseconds, and how often it is looked at. */
const ROTATION_TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 500;

/** `groq-key set`: a team's first key, or one in place of a dead one. */
export async function setKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const name = readNameOption(options);
    const { apiKey: _key, ...key } = await setGroqKey(operator, team, await readSecret(`Groq key of ${team}: `), name);
    return {
      text: `${groqKeyDisplayName(key)} is team ${team}'s key; gateways use it within a minute.`,
      json: { current: key },
    };
  });
}

/** `groq-key stage`: puts a key into the queue of a team's next ones. */
export async function stageKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const name = readNameOption(options);
    const apiKey = await readSecret(`The next Groq key of ${team}: `);
    const { key, waiting } = await stageGroqKey(operator, team, apiKey, name);
    const { apiKey: _key, ...staged } = key;
    const text = `${groqKeyDisplayName(staged)} waits as number ${waiting} of team ${team}'s queue. In Groq's console it should be called so, too.`;
    return { text, json: { staged, waiting } };
  });
}

/** `groq-key unstage`: takes a key out of the queue. */
export async function unstageKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const keyId = readKeyIdOption(options);
    await unstageGroqKey(operator, team, keyId);
    return {
      text: `${keyId} waits no more. Delete it in Groq's console if nothing else uses it.`,
      json: { unstaged: keyId },
    };
  });
}

/** `groq-key rotate`: lets Secrets Manager rotate a team's key, and waits until it has. */
export async function rotateKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async (opened) => {
    const { operator, team } = opened;
    const { stages } = await operator.secretFor(team).state();
    if ((await operator.keySourceFor(team)) === 'staged' && stagedQueue(stages).length === 0)
      throw new CommandError(
        `no key waits for team ${team}, and its current one stays; stage one first: groq-key stage`,
      );
    const { before, after } = await rotateAndWait(opened);
    // The rotation is done, whether or not Groq answers now.
    const isUsable = await isAccepted(operator, team, before).catch(() => true);
    const rest = isUsable
      ? `${groqKeyDisplayName(before)} stays usable for a day at least.`
      : `Groq does not take ${groqKeyDisplayName(before)} any more: groq-key status says what to do with it.`;
    return {
      text: `Team ${team} now uses ${groqKeyDisplayName(after)}; ${rest}`,
      json: { current: keyReference(after), previous: keyReference(before), is_previous_usable: isUsable },
    };
  });
}

/** `groq-key revoke`: switches the current key off, goes on with the next one, and says what was lost in between. */
export async function revokeKey(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async (opened) => {
    const { operator, team } = opened;
    const reason = options.reason ?? '';
    if (reason === '') throw new CommandError('--reason is missing; see groq-rbac --help');
    const keyId = options.key === undefined ? undefined : readKeyIdOption(options);
    const revoked = await revokeGroqKey(operator, team, reason, keyId);
    const { after } = await rotateAndWait(opened);
    const now = Date.now();
    const rows = await operator.use.readGroqKeyUse(team, hourAt(operator.nowEpochMs), hourAt(now));
    const onRevoked = rows.filter(({ keyId }) => keyId === revoked.keyId).reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
    const failed = rows.reduce((sum, row) => sum + row.failed, 0);
    const seconds = Math.round((now - operator.nowEpochMs) / 1000);
    const text = [
      `${groqKeyDisplayName(revoked)} is switched off, and team ${team} uses ${groqKeyDisplayName(after)}, after ${seconds} s. Gateways follow within a minute, and at once on a 401.`,
      `Calls since ${hourAt(operator.nowEpochMs)}:00Z, counted some seconds late: ${failed} failed for want of a key; ${onRevoked.requests} were answered with the revoked key, ${onRevoked.refused} times Groq refused it.`,
      `Now delete ${groqKeyDisplayName(revoked)} in Groq's console: until then it works for whoever has it. Then: groq-key confirm-deleted --team ${team} --key ${revoked.keyId}`,
    ].join('\n');
    const lost = { failed, answered_with_revoked: onRevoked.requests, refused: onRevoked.refused };
    return { text, json: { revoked: keyReference(revoked), current: keyReference(after), since_hour: lost } };
  });
}

/** `groq-key confirm-deleted`: a key is deleted in Groq's console, where only its operators see it. */
export async function confirmKeyDeleted(options: GroqKeyOptions): Promise<void> {
  await runGroqKeyCommand(options, async ({ operator, team }) => {
    const key = await confirmGroqKeyDeleted(operator, team, readKeyIdOption(options));
    return {
      text: `${groqKeyDisplayName(key)} is deleted; nobody is reminded of it any more.`,
      json: { deleted: key.keyId },
    };
  });
}

/** Rotates, and waits for it. @throws CommandError when another key is not current in time. */
async function rotateAndWait({
  operator,
  team,
  startRotation,
}: OpenedGroqKeys): Promise<{ before: GroqKey; after: GroqKey }> {
  const secret = operator.secretFor(team);
  const currentKey = async () => (await readActiveGroqKeys(secret, await secret.state())).current;
  const before = await currentKey();
  if (before === undefined) throw new CommandError(`team ${team} has no key yet; groq-key set`);
  await clearPendingVersion(operator, team);
  await startRotation();
  for (
    const startMs = performance.now();
    performance.now() - startMs < ROTATION_TIMEOUT_MS;
    await sleep(POLL_INTERVAL_MS)
  ) {
    const after = await currentKey();
    if (after !== undefined && after.keyId !== before.keyId) return { before, after };
  }
  throw new CommandError(
    `the rotation has begun, and after ${ROTATION_TIMEOUT_MS / 1000} s ${groqKeyDisplayName(before)} is still current; groq-key status, and the log of the rotation function, say why`,
  );
}

/** Opens what the options name, acts, and prints what came of it. */
export async function runGroqKeyCommand(
  options: GroqKeyOptions,
  operate: (opened: OpenedGroqKeys) => Promise<{ readonly text: string; readonly json: object }>,
): Promise<void> {
  const { team = '' } = options;
  if (team === '') throw new CommandError('--team is missing; see groq-rbac --help');
  try {
    const { text, json } = await operate(await openGroqKeys(options, team));
    console.log(options.json ? JSON.stringify(json) : text);
  } catch (error) {
    if (error instanceof GroqKeyOperationError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

function readNameOption({ name }: GroqKeyOptions): string | undefined {
  if (name === undefined || isGroqKeyName(name)) return name;
  throw new CommandError(
    "--name is what the key is called in Groq's console: 1 to 63 lower-case letters, digits and hyphens, a letter first",
  );
}

function readKeyIdOption({ key = '' }: GroqKeyOptions): string {
  if (/^[0-9a-f]{12}$/.test(key)) return key;
  // Never echoed: it may be the key itself, pasted by mistake.
  throw new CommandError('--key is the id of a Groq key, 12 hex digits, as groq-key status shows it');
}

function keyReference({ keyId, name }: GroqKey): object {
  return { keyId, ...(name === undefined ? {} : { name }) };
}
