import { type GroqKey, MAX_STAGED_KEYS, stagedLabel, stagedQueue } from '../groq/groq-key-versions.ts';
import { utcText } from '../kernel/period.ts';
import { VERSION_LABEL, versionWith } from '../secrets/secret-versions.ts';
import { nextGroqKeyName } from './groq-key-name.ts';
import { type GroqKeyOperator, GroqKeyRefusal, recordGroqKeyAct } from './groq-key-operator.ts';
import { BEGUN_ANEW, calledOf, groqKeyStateOf } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { keysInUse } from './promote-groq-key.ts';

/** States in which a key of another team is in somebody's hands. */
const IN_HANDS = ['staged', 'pending', 'current', 'replaced'];

/**
 * Gives a team its first key, or one in place of a key that Groq does not take any more.
 *
 * @throws GroqKeyRefusal for a key that Groq refuses or another team has, and where the current key works.
 */
export async function setGroqKey(
  operator: GroqKeyOperator,
  team: string,
  apiKey: string,
  givenName?: string,
): Promise<GroqKey> {
  const secret = operator.secretOf(team);
  const { current } = await keysInUse(secret, await secret.state());
  const key = await describe(operator, team, apiKey, givenName);
  if (current?.keyId === key.keyId) throw new GroqKeyRefusal(`this is team ${team}'s current key already`);
  if (current !== undefined && (await isAccepted(operator, team, current)))
    throw new GroqKeyRefusal(
      `team ${team} has a key that works, ${calledOf(current)}; stage this one (groq-key stage) and rotate (groq-key rotate), so that no call fails`,
    );
  await checkKey(operator, team, key);
  const { nowEpochMs } = operator;
  const versionId = operator.newVersionId();
  await recordGroqKeyAct(
    operator,
    team,
    'set_groq_key',
    key,
    current === undefined ? 'the first' : `in place of ${current.keyId}, which Groq refuses`,
  );
  await secret.put(versionId, key, VERSION_LABEL.current);
  await operator.records.note(team, key.keyId, {
    ...BEGUN_ANEW,
    name: key.name,
    stagedBy: operator.actor,
    versionId,
    testedAtEpochMs: nowEpochMs,
    currentFromEpochMs: nowEpochMs,
    toldAtEpochMs: nowEpochMs,
    ...(current === undefined ? {} : { replaces: current.keyId }),
  });
  if (current !== undefined) await leaveDead(operator, team, current, key.keyId);
  return key;
}

/** A key that Groq does not take is no way back: no gateway is to try it any more. */
async function leaveDead(operator: GroqKeyOperator, team: string, dead: GroqKey, replacedBy: string): Promise<void> {
  const secret = operator.secretOf(team);
  const previous = versionWith((await secret.state()).stages, VERSION_LABEL.previous);
  if (previous !== undefined && (await secret.read(previous))?.keyId === dead.keyId)
    await secret.unlabel(VERSION_LABEL.previous, previous);
  await operator.records.note(team, dead.keyId, {
    ...(dead.name === undefined ? {} : { name: dead.name }),
    replacedAtEpochMs: operator.nowEpochMs,
    replacedBy,
  });
}

/**
 * Puts a key at the end of a team's queue.
 *
 * @throws GroqKeyRefusal for a key that Groq refuses, or that is in use or waits already, here or with another team, and
 * where the queue is full or there is no current key that it could take the place of.
 */
export async function stageGroqKey(
  operator: GroqKeyOperator,
  team: string,
  apiKey: string,
  givenName?: string,
): Promise<{ readonly key: GroqKey; readonly waiting: number }> {
  const secret = operator.secretOf(team);
  const state = await secret.state();
  const { current, previous } = await keysInUse(secret, state);
  const queue = stagedQueue(state.stages);
  const key = await describe(operator, team, apiKey, givenName);
  // The first version of a secret is current, whatever else it is called.
  if (current === undefined)
    throw new GroqKeyRefusal(`team ${team} has no key yet; set this one as its first (groq-key set)`);
  if (current.keyId === key.keyId) throw new GroqKeyRefusal(`this is team ${team}'s current key`);
  if (previous?.keyId === key.keyId)
    throw new GroqKeyRefusal(`this is the key that team ${team}'s current one replaced`);
  if (queue.some(({ keyId }) => keyId === key.keyId)) throw new GroqKeyRefusal('this key waits in the queue already');
  if (queue.length >= MAX_STAGED_KEYS)
    throw new GroqKeyRefusal(`${queue.length} keys wait for team ${team}, and no more can; rotate, or unstage one`);
  await checkKey(operator, team, key);
  const versionId = operator.newVersionId();
  await recordGroqKeyAct(operator, team, 'stage_groq_key', key, `number ${queue.length + 1} of the queue`);
  await operator.records.note(team, key.keyId, {
    ...BEGUN_ANEW,
    name: key.name,
    stagedBy: operator.actor,
    stagedAtEpochMs: operator.nowEpochMs,
    versionId,
  });
  await secret.put(versionId, key, stagedLabel(operator.nowEpochMs, key.keyId));
  return { key, waiting: queue.length + 1 };
}

/** A key with its name: as given, or the next one of the month. */
async function describe(
  { records, environmentName, nowEpochMs, keyIdOf }: GroqKeyOperator,
  team: string,
  apiKey: string,
  givenName: string | undefined,
): Promise<GroqKey & { readonly name: string }> {
  if (!/^\S{8,512}$/.test(apiKey)) throw new GroqKeyRefusal('that is no key: 8 to 512 characters without a space');
  const keyId = keyIdOf(apiKey);
  const known = await records.list(team);
  const taken = new Set(known.filter((key) => key.keyId !== keyId).map(({ name = '' }) => name));
  if (givenName !== undefined && taken.has(givenName))
    throw new GroqKeyRefusal(`another key of team ${team} is called ${givenName}`);
  const name = givenName ?? nextGroqKeyName(team, environmentName, nowEpochMs, taken);
  return { apiKey, keyId, name, createdAt: utcText(nowEpochMs) };
}

/** That Groq takes the key, and no other team has it. */
async function checkKey(operator: GroqKeyOperator, team: string, key: GroqKey): Promise<void> {
  for (const other of operator.teams.filter((one) => one !== team)) {
    const known = await operator.records.read(other, key.keyId);
    if (known !== undefined && IN_HANDS.includes(groqKeyStateOf(known)))
      throw new GroqKeyRefusal(`this is a key of team ${other}; each team has keys of its own`);
  }
  if (!(await operator.probe.isAccepted(key.apiKey)))
    throw new GroqKeyRefusal('Groq refuses this key (401); check that it was copied whole');
}
