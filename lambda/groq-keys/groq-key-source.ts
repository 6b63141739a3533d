import { type GroqKey, type StagedKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { RotationError, type SecretState } from '../secrets/secret-rotation.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import { nextGroqKeyName } from './groq-key-name.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { groqKeyDisplayName } from './groq-key-record.ts';
import { readActiveGroqKeys } from './promote-groq-key.ts';

/** A rotation that finds no staged key; the current one stays. */
export class StagedKeyMissingError extends RotationError {
  override readonly name = 'StagedKeyMissing';
  readonly team: string;

  constructor(team: string, environmentName: string) {
    super(
      `no staged key waits for team ${team}, and its current one stays; make one in Groq's console and stage it: npx groq-rbac groq-key stage --team ${team} --env ${environmentName}`,
    );
    this.team = team;
  }
}

/** How long whoever makes a key may still be at it, in milliseconds: longer than a step may take. */
const KEY_CREATION_WINDOW_MS = 300_000;

/** What a source is asked for: the next key of the team's secret, for the version of this id. */
export type NextKeyRequest = {
  readonly secret: GroqSecret;
  readonly state: SecretState;
  readonly token: string;
  readonly current: GroqKey;
};

/**
 * The head of the team's queue: the first key that Groq takes. One that Groq refuses is put out of the queue, so that a
 * mistyped key does not hold up the one behind it; but none is while Groq refuses every key, as it may in an outage.
 *
 * @throws StagedKeyMissingError; RotationError while Groq refuses every key of the team.
 */
export async function takeStagedKey(ports: GroqKeyPorts, request: NextKeyRequest): Promise<GroqKey> {
  const { secret, state, current } = request;
  const refused: { readonly staged: StagedKey; readonly key: GroqKey }[] = [];
  let next: GroqKey | undefined;
  for (const staged of stagedQueue(state.stages)) {
    const key = staged.keyId === current.keyId ? undefined : await secret.read(staged.versionId);
    if (key === undefined || key.keyId === current.keyId) await secret.removeLabel(staged.label, staged.versionId);
    else if (await isAccepted(ports, state.team, key)) next = key;
    else refused.push({ staged, key });
    if (next !== undefined) break;
  }
  if (refused.length > 0 && next === undefined && !(await isAnyActiveKeyAccepted(ports, secret, state)))
    throw new RotationError(`Groq refuses every key of team ${state.team}, the current one too; all stay as they are`);
  for (const { staged, key } of refused) {
    await notifyStagedKeyRefused(ports, state.team, key);
    // Its label last: who dies before it finds the same key again, and says the same of it.
    await secret.removeLabel(staged.label, staged.versionId);
  }
  if (next === undefined) throw new StagedKeyMissingError(state.team, ports.environmentName);
  return next;
}

/** A new key by upstream's API, named after the team and the month. What a rotation that died here had made is deleted. */
export async function createKeyByApi(ports: GroqKeyPorts, request: NextKeyRequest): Promise<GroqKey> {
  const { records, keyApi, environmentName, nowEpochMs } = ports;
  const { token, current } = request;
  const { team } = request.state;
  const listed = await keyApi.list(current.apiKey);
  const taken = new Set([...listed, ...(await records.list(team))].map(({ name = '' }) => name));
  const wanted = nextGroqKeyName(team, environmentName, nowEpochMs, taken);
  const { name, isRetry, atEpochMs } = await records.beginKeyCreation(team, token, wanted, nowEpochMs);
  // No key was called so when this version was first asked for, so one that is now was made for it, and is lost.
  const lost = isRetry ? listed.filter((key) => key.name === name) : [];
  if (lost.length > 0 && nowEpochMs - atEpochMs < KEY_CREATION_WINDOW_MS)
    throw new RotationError(`the key ${name} is just being made by another run of this step`);
  for (const { upstreamId } of lost) await keyApi.remove(current.apiKey, upstreamId);
  const details = `${name}, by upstream's API`;
  await auditGroqKeyChange(ports, { team, action: 'create_groq_key', keyId: name, uniqueId: token, details });
  const { apiKey, upstreamId } = await keyApi.create(current.apiKey, name);
  return { apiKey, keyId: ports.deriveKeyId(apiKey), name, createdAt: formatUtc(nowEpochMs), upstreamId };
}

/** Asks Groq whether it takes a key, and counts the question. */
export async function isAccepted(ports: GroqKeyPorts, team: string, key: GroqKey): Promise<boolean> {
  const accepted = await ports.probe.isAccepted(key.apiKey);
  await ports.records.countProbe(team, key.keyId, accepted, ports.nowEpochMs);
  return accepted;
}

/** Whether Groq takes a key in use: only then its refusal of another one tells of that one. */
export async function isAnyActiveKeyAccepted(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  state: SecretState,
): Promise<boolean> {
  const { current, previous } = await readActiveGroqKeys(secret, state);
  for (const key of [current, previous])
    if (key !== undefined && (await isAccepted(ports, state.team, key))) return true;
  return false;
}

/** Remembers and tells that Groq refuses a key that waits. */
export async function notifyStagedKeyRefused(ports: GroqKeyPorts, team: string, key: GroqKey): Promise<void> {
  const { keyId, name } = key;
  await ports.records.setIfAbsent(team, keyId, {
    ...(name === undefined ? {} : { name }),
    refusedAtEpochMs: ports.nowEpochMs,
  });
  await notifyOperators(ports, 'staged_key_refused', team, key, {
    lines: [
      `Groq refuses the staged key ${groqKeyDisplayName(key)} of team ${team}. It is out of the queue; stage another.`,
    ],
  });
}
