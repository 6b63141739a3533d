import { type GroqKey, isSendableKey, MAX_STAGED_KEYS, stagedLabel, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { VERSION_LABEL } from '../secrets/secret-versions.ts';
import { clearLabel, isAccepted, readActiveGroqKeys } from './active-groq-keys.ts';
import { auditGroqKeyOperation } from './groq-key-audit.ts';
import { nextGroqKeyName } from './groq-key-name.ts';
import { GroqKeyOperationError, type GroqKeyOperatorPorts } from './groq-key-operator-ports.ts';
import { groqKeyDisplayName, groqKeyState, RESET_LIFECYCLE } from './groq-key-record.ts';

/** The states in which a key belongs to a team. */
const ASSIGNED_STATES = ['staged', 'pending', 'current', 'replaced'];

/**
 * Sets a team's first key, or replaces a current key that Groq refuses.
 *
 * @throws GroqKeyOperationError if Groq refuses the key, another team has it, or the current key works.
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
  if (current?.keyId === key.keyId)
    throw new GroqKeyOperationError(`this key is already the current key of team ${team}`);
  if (current !== undefined && (await isAccepted(operator, team, current)))
    throw new GroqKeyOperationError(
      `team ${team} has a key that works, ${groqKeyDisplayName(current)}. To replace it without failed calls, stage this one (groq-key stage) and rotate (groq-key rotate)`,
    );
  await checkKey(operator, team, key);
  const { nowEpochMs } = operator;
  const versionId = operator.newVersionId();
  const details = current === undefined ? 'the first' : `in place of ${current.keyId}, which Groq refuses`;
  await auditGroqKeyOperation(operator, team, 'set_groq_key', key, details);
  await secret.put(versionId, key, VERSION_LABEL.current);
  await operator.records.update(team, key.keyId, {
    ...RESET_LIFECYCLE,
    ...(current === undefined ? {} : { replaces: current.keyId }),
    name: key.name,
    stagedBy: operator.actor,
    versionId,
    testedAtEpochMs: nowEpochMs,
    currentFromEpochMs: nowEpochMs,
    toldAtEpochMs: nowEpochMs,
  });
  if (current !== undefined) await markRefusedKeyReplaced(operator, team, current, key.keyId);
  return key;
}

/** Marks a refused key as replaced, and removes the label by which gateways would fall back to it. */
async function markRefusedKeyReplaced(
  operator: GroqKeyOperatorPorts,
  team: string,
  refused: GroqKey,
  replacedBy: string,
): Promise<void> {
  const secret = operator.secretFor(team);
  const state = await secret.state();
  const { previous } = await readActiveGroqKeys(secret, state);
  if (previous?.keyId === refused.keyId) await clearLabel(secret, state.stages, VERSION_LABEL.previous);
  const facts = { name: refused.name, replacedAtEpochMs: operator.nowEpochMs, replacedBy };
  await operator.records.update(team, refused.keyId, facts);
}

/**
 * Appends a key to a team's queue.
 *
 * @throws GroqKeyOperationError if Groq refuses the key, a team uses it or has it in its queue, the queue is full, or the
 * team has no current key that this one could replace.
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
  // Secrets Manager makes the first version of a secret current, whatever label it is given.
  if (current === undefined)
    throw new GroqKeyOperationError(`team ${team} has no key yet; set this one as its first (groq-key set)`);
  if (current.keyId === key.keyId) throw new GroqKeyOperationError(`this is the current key of team ${team}`);
  if (previous?.keyId === key.keyId)
    throw new GroqKeyOperationError(`this is the previous key of team ${team}, which its current one replaced`);
  if (queue.some(({ keyId }) => keyId === key.keyId)) throw new GroqKeyOperationError('this key is already staged');
  if (queue.length >= MAX_STAGED_KEYS)
    throw new GroqKeyOperationError(
      `team ${team} has ${queue.length} staged keys, the maximum; rotate, or unstage one`,
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

/** Builds a key's value, with the given name or the next free one of the month. */
async function buildGroqKey(
  { records, environmentName, nowEpochMs, deriveKeyId }: GroqKeyOperatorPorts,
  team: string,
  apiKey: string,
  givenName: string | undefined,
): Promise<GroqKey & { readonly name: string }> {
  if (apiKey.length < 8 || !isSendableKey(apiKey))
    throw new GroqKeyOperationError(
      'this is not a valid key: a key has 8 to 512 visible ASCII characters, no spaces and no line breaks',
    );
  const keyId = deriveKeyId(apiKey);
  const known = await records.list(team);
  const taken = new Set(known.filter((key) => key.keyId !== keyId).map(({ name = '' }) => name));
  if (givenName !== undefined && taken.has(givenName))
    throw new GroqKeyOperationError(`team ${team} has another key with the name ${givenName}`);
  const name = givenName ?? nextGroqKeyName(team, environmentName, nowEpochMs, taken);
  return { apiKey, keyId, name, createdAt: formatUtc(nowEpochMs) };
}

/** @throws GroqKeyOperationError if another team has the key, or Groq refuses it. */
async function checkKey(operator: GroqKeyOperatorPorts, team: string, key: GroqKey): Promise<void> {
  for (const otherTeam of operator.teams.filter((name) => name !== team)) {
    const known = await operator.records.read(otherTeam, key.keyId);
    if (known !== undefined && ASSIGNED_STATES.includes(groqKeyState(known)))
      throw new GroqKeyOperationError(`this key belongs to team ${otherTeam}; each team needs keys of its own`);
  }
  if (!(await operator.probe.isAccepted(key.apiKey)))
    throw new GroqKeyOperationError('Groq refuses this key (401); check that you copied all of it');
}
