import { setTimeout as sleep } from 'node:timers/promises';
import { type GroqKey, stagedQueue } from '../../lambda/groq/groq-key-versions.ts';
import {
  clearPending,
  confirmDeleted,
  revokeGroqKey,
  unstageGroqKey,
} from '../../lambda/groq-keys/groq-key-endings.ts';
import { isGroqKeyName } from '../../lambda/groq-keys/groq-key-name.ts';
import { setGroqKey, stageGroqKey } from '../../lambda/groq-keys/groq-key-operations.ts';
import { GroqKeyRefusal } from '../../lambda/groq-keys/groq-key-operator.ts';
import { calledOf } from '../../lambda/groq-keys/groq-key-record.ts';
import { isAccepted } from '../../lambda/groq-keys/groq-key-source.ts';
import { keysInUse } from '../../lambda/groq-keys/promote-groq-key.ts';
import { hourOf } from '../../lambda/kernel/period.ts';
import { addGroqKeyUse, NO_GROQ_KEY_USE } from '../../lambda/usage/groq-key-use.ts';
import { CommandError } from '../deployment.ts';
import { type OpenedGroqKeys, openGroqKeys } from '../groq-key-operator.ts';
import { readSecret } from '../secret-prompt.ts';
import type { Where } from '../stores.ts';

/** What a command on Groq keys is told. */
export type GroqKeyOptions = Where & {
  readonly team: string | undefined;
  readonly name: string | undefined;
  readonly key: string | undefined;
  readonly reason: string | undefined;
  readonly json: boolean;
};

/** How long a rotation is waited for, in milliseconds, and how often it is looked at. */
const ROTATES_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 500;

/** `groq-key set`: a team's first key, or one in place of a dead one. */
export async function setKey(options: GroqKeyOptions): Promise<void> {
  await act(options, async ({ operator, team }) => {
    const name = givenName(options);
    const { apiKey: _key, ...key } = await setGroqKey(operator, team, await readSecret(`Groq key of ${team}: `), name);
    return { text: `${calledOf(key)} is team ${team}'s key; gateways use it within a minute.`, json: { current: key } };
  });
}

/** `groq-key stage`: puts a key into the queue of a team's next ones. */
export async function stageKey(options: GroqKeyOptions): Promise<void> {
  await act(options, async ({ operator, team }) => {
    const name = givenName(options);
    const apiKey = await readSecret(`The next Groq key of ${team}: `);
    const { key, waiting } = await stageGroqKey(operator, team, apiKey, name);
    const { apiKey: _key, ...staged } = key;
    const text = `${calledOf(staged)} waits as number ${waiting} of team ${team}'s queue. In Groq's console it should be called so, too.`;
    return { text, json: { staged, waiting } };
  });
}

/** `groq-key unstage`: takes a key out of the queue. */
export async function unstageKey(options: GroqKeyOptions): Promise<void> {
  await act(options, async ({ operator, team }) => {
    const keyId = givenKey(options);
    await unstageGroqKey(operator, team, keyId);
    return {
      text: `${keyId} waits no more. Delete it in Groq's console if nothing else uses it.`,
      json: { unstaged: keyId },
    };
  });
}

/** `groq-key rotate`: lets Secrets Manager rotate a team's key, and waits until it has. */
export async function rotateKey(options: GroqKeyOptions): Promise<void> {
  await act(options, async (opened) => {
    const { operator, team } = opened;
    const { stages } = await operator.secretOf(team).state();
    if ((await operator.sourceOf(team)) === 'staged' && stagedQueue(stages).length === 0)
      throw new CommandError(
        `no key waits for team ${team}, and its current one stays; stage one first: groq-key stage`,
      );
    const { before, after } = await rotated(opened);
    // The rotation is done, whether or not Groq answers now.
    const isUsable = await isAccepted(operator, team, before).catch(() => true);
    const rest = isUsable
      ? `${calledOf(before)} stays usable for a day at least.`
      : `Groq does not take ${calledOf(before)} any more: groq-key status says what to do with it.`;
    return {
      text: `Team ${team} now uses ${calledOf(after)}; ${rest}`,
      json: { current: idOf(after), previous: idOf(before), is_previous_usable: isUsable },
    };
  });
}

/** `groq-key revoke`: switches the current key off, goes on with the next one, and says what was lost in between. */
export async function revokeKey(options: GroqKeyOptions): Promise<void> {
  await act(options, async (opened) => {
    const { operator, team } = opened;
    const reason = options.reason ?? '';
    if (reason === '') throw new CommandError('--reason is missing; see groq-rbac --help');
    const keyId = options.key === undefined ? undefined : givenKey(options);
    const revoked = await revokeGroqKey(operator, team, reason, keyId);
    const { after } = await rotated(opened);
    const now = Date.now();
    const rows = await operator.use.useOf(team, hourOf(operator.nowEpochMs), hourOf(now));
    const onRevoked = rows.filter(({ keyId }) => keyId === revoked.keyId).reduce(addGroqKeyUse, NO_GROQ_KEY_USE);
    const failed = rows.reduce((sum, row) => sum + row.failed, 0);
    const seconds = Math.round((now - operator.nowEpochMs) / 1000);
    const text = [
      `${calledOf(revoked)} is switched off, and team ${team} uses ${calledOf(after)}, after ${seconds} s. Gateways follow within a minute, and at once on a 401.`,
      `Calls since ${hourOf(operator.nowEpochMs)}:00Z, counted some seconds late: ${failed} failed for want of a key; ${onRevoked.requests} were answered with the revoked key, ${onRevoked.refused} times Groq refused it.`,
      `Now delete ${calledOf(revoked)} in Groq's console: until then it works for whoever has it. Then: groq-key confirm-deleted --team ${team} --key ${revoked.keyId}`,
    ].join('\n');
    const lost = { failed, answered_with_revoked: onRevoked.requests, refused: onRevoked.refused };
    return { text, json: { revoked: idOf(revoked), current: idOf(after), since_hour: lost } };
  });
}

/** `groq-key confirm-deleted`: a key is deleted in Groq's console, where only its operators see it. */
export async function confirmKeyDeleted(options: GroqKeyOptions): Promise<void> {
  await act(options, async ({ operator, team }) => {
    const key = await confirmDeleted(operator, team, givenKey(options));
    return { text: `${calledOf(key)} is deleted; nobody is reminded of it any more.`, json: { deleted: key.keyId } };
  });
}

/** Rotates, and waits for it. @throws CommandError when another key is not current in time. */
async function rotated({
  operator,
  team,
  startRotation,
}: OpenedGroqKeys): Promise<{ before: GroqKey; after: GroqKey }> {
  const secret = operator.secretOf(team);
  const currentKey = async () => (await keysInUse(secret, await secret.state())).current;
  const before = await currentKey();
  if (before === undefined) throw new CommandError(`team ${team} has no key yet; groq-key set`);
  await clearPending(operator, team);
  await startRotation();
  for (const startMs = performance.now(); performance.now() - startMs < ROTATES_WITHIN_MS; await sleep(LOOK_EVERY_MS)) {
    const after = await currentKey();
    if (after !== undefined && after.keyId !== before.keyId) return { before, after };
  }
  throw new CommandError(
    `the rotation has begun, and after ${ROTATES_WITHIN_MS / 1000} s ${calledOf(before)} is still current; groq-key status, and the log of the rotation function, say why`,
  );
}

/** Opens what the options name, acts, and prints what came of it. */
export async function act(
  options: GroqKeyOptions,
  operate: (opened: OpenedGroqKeys) => Promise<{ readonly text: string; readonly json: object }>,
): Promise<void> {
  const { team = '' } = options;
  if (team === '') throw new CommandError('--team is missing; see groq-rbac --help');
  try {
    const { text, json } = await operate(await openGroqKeys(options, team));
    console.log(options.json ? JSON.stringify(json) : text);
  } catch (error) {
    if (error instanceof GroqKeyRefusal) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}

function givenName({ name }: GroqKeyOptions): string | undefined {
  if (name === undefined || isGroqKeyName(name)) return name;
  throw new CommandError(
    "--name is what the key is called in Groq's console: 1 to 63 lower-case letters, digits and hyphens, a letter first",
  );
}

function givenKey({ key = '' }: GroqKeyOptions): string {
  if (/^[0-9a-f]{12}$/.test(key)) return key;
  // Never echoed: it may be the key itself, pasted by mistake.
  throw new CommandError('--key is the id of a Groq key, 12 hex digits, as groq-key status shows it');
}

function idOf({ keyId, name }: GroqKey): object {
  return { keyId, ...(name === undefined ? {} : { name }) };
}
