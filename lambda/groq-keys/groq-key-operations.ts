import { type GroqKey, MAX_STAGED_KEYS, stagedLabel, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { auditGroqKeyOperation } from './groq-key-audit.ts';
import { nextGroqKeyName } from './groq-key-name.ts';
import { GroqKeyOperationError, type GroqKeyOperatorPorts } from './groq-key-operator-ports.ts';
import { groqKeyDisplayName, groqKeyState, RESET_LIFECYCLE } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { readActiveGroqKeys } from './promote-groq-key.ts';

/** States in which a key of another team is in somebody's hands. */
const ASSIGNED_STATES = ['staged', 'pending', 'current', 'replaced'];

/**
 * Gives a team its first key, or one in place of a key that Groq does not take any more.
 *
 * @throws GroqKeyOperationError for a key that Groq refuses or another team has, and where the current key works.
 */
export async function setGroqKey(
  operator: GroqKeyOperatorPorts,
  team: string,
  apiKey: string,
  givenName?: string,
): Promise<GroqKey> {
  const secret = operator.secretFor(team);
  const { current } = await readActiveGroqKeys(secret, await secret.state());
  const key = await buildGroqKey(operator, team, apiKey, givenName);
  if (current?.keyId === key.keyId) throw new GroqKeyOperationError(`this is team ${team}'s current key already`);
  if (current !== undefined && (await isAccepted(operator, team, current)))
    throw new GroqKeyOperationError(
      `team ${team} has a key that works, ${groqKeyDisplayName(current)}; stage this one (groq-key stage) and rotate (groq-key rotate), so that no call fails`,
    );
  await checkKey(operator, team, key);
  const { nowEpochMs } = operator;
  const versionId = operator.newVersionId();
  await auditGroqKeyOperation(
    operator,
    team,
    'set_groq_key',
    key,
    current === undefined ? 'the first' : `in place of ${current.keyId}, which Groq refuses`,
  );
  await secret.put(versionId, key, VERSION_LABEL.current);
  await operator.records.update(team, key.keyId, {
    ...RESET_LIFECYCLE,
    name: key.name,
    stagedBy: operator.actor,
    versionId,
    testedAtEpochMs: nowEpochMs,
    currentFromEpochMs: nowEpochMs,
    toldAtEpochMs: nowEpochMs,
    ...(current === undefined ? {} : { replaces: current.keyId }),
  });
  if (current !== undefined) await markRefusedKeyReplaced(operator, team, current, key.keyId);
  return key;
}

/** A key that Groq does not take is no way back: no gateway is to try it any more. */
async function markRefusedKeyReplaced(
  operator: GroqKeyOperatorPorts,
  team: string,
  dead: GroqKey,
  replacedBy: string,
): Promise<void> {
  const secret = operator.secretFor(team);
  const previous = findVersion((await secret.state()).stages, VERSION_LABEL.previous);
  if (previous !== undefined && (await secret.read(previous))?.keyId === dead.keyId)
    await secret.removeLabel(VERSION_LABEL.previous, previous);
  await operator.records.update(team, dead.keyId, {
    ...(dead.name === undefined ? {} : { name: dead.name }),
    replacedAtEpochMs: operator.nowEpochMs,
    replacedBy,
  });
}

/**
 * Puts a key at the end of a team's queue.
 *
 * @throws GroqKeyOperationError for a key that Groq refuses, or that is in use or waits already, here or with another team, and
 * where the queue is full or there is no current key that it could take the place of.
 */
export async function stageGroqKey(
  operator: GroqKeyOperatorPorts,
  team: string,
  apiKey: string,
  givenName?: string,
): Promise<{ readonly key: GroqKey; readonly waiting: number }> {
  const secret = operator.secretFor(team);
  const state = await secret.state();
  const { current, previous } = await readActiveGroqKeys(secret, state);
  const queue = stagedQueue(state.stages);
  const key = await buildGroqKey(operator, team, apiKey, givenName);
  // The first version of a secret is current, whatever else it is called.
  if (current === undefined)
    throw new GroqKeyOperationError(`team ${team} has no key yet; set this one as its first (groq-key set)`);
  if (current.keyId === key.keyId) throw new GroqKeyOperationError(`this is team ${team}'s current key`);
  if (previous?.keyId === key.keyId)
    throw new GroqKeyOperationError(`this is the key that team ${team}'s current one replaced`);
  if (queue.some(({ keyId }) => keyId === key.keyId))
    throw new GroqKeyOperationError('this key waits in the queue already');
  if (queue.length >= MAX_STAGED_KEYS)
    throw new GroqKeyOperationError(
      `${queue.length} keys wait for team ${team}, and no more can; rotate, or unstage one`,
    );
  await checkKey(operator, team, key);
  const versionId = operator.newVersionId();
  await auditGroqKeyOperation(operator, team, 'stage_groq_key', key, `number ${queue.length + 1} of the queue`);
  await operator.records.update(team, key.keyId, {
    ...RESET_LIFECYCLE,
    name: key.name,
    stagedBy: operator.actor,
    stagedAtEpochMs: operator.nowEpochMs,
    versionId,
  });
  await secret.put(versionId, key, stagedLabel(operator.nowEpochMs, key.keyId));
  return { key, waiting: queue.length + 1 };
}

/** A key with its name: as given, or the next one of the month. */
async function buildGroqKey(
  { records, environmentName, nowEpochMs, deriveKeyId }: GroqKeyOperatorPorts,
  team: string,
  apiKey: string,
  givenName: string | undefined,
): Promise<GroqKey & { readonly name: string }> {
  if (!/^\S{8,512}$/.test(apiKey))
    throw new GroqKeyOperationError('that is no key: 8 to 512 characters without a space');
  const keyId = deriveKeyId(apiKey);
  const known = await records.list(team);
  const taken = new Set(known.filter((key) => key.keyId !== keyId).map(({ name = '' }) => name));
  if (givenName !== undefined && taken.has(givenName))
    throw new GroqKeyOperationError(`another key of team ${team} is called ${givenName}`);
  const name = givenName ?? nextGroqKeyName(team, environmentName, nowEpochMs, taken);
  return { apiKey, keyId, name, createdAt: formatUtc(nowEpochMs) };
}

/** That Groq takes the key, and no other team has it. */
async function checkKey(operator: GroqKeyOperatorPorts, team: string, key: GroqKey): Promise<void> {
  for (const other of operator.teams.filter((one) => one !== team)) {
    const known = await operator.records.read(other, key.keyId);
    if (known !== undefined && ASSIGNED_STATES.includes(groqKeyState(known)))
      throw new GroqKeyOperationError(`this is a key of team ${other}; each team has keys of its own`);
  }
  if (!(await operator.probe.isAccepted(key.apiKey)))
    throw new GroqKeyOperationError('Groq refuses this key (401); check that it was copied whole');
}
