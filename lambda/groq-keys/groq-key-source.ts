import { type GroqKey, type StagedKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc } from '../kernel/period.ts';
import { RotationError, type SecretState } from '../secrets/secret-rotation.ts';
import { isAccepted, isAnyActiveKeyAccepted } from './active-groq-keys.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyOperators } from './groq-key-events.ts';
import { nextGroqKeyName } from './groq-key-name.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { groqKeyDisplayName } from './groq-key-record.ts';

/** A rotation without a staged key. */
export class StagedKeyMissingError extends RotationError {
  override readonly name = 'StagedKeyMissing';
  readonly team: string;

  constructor(team: string, environmentName: string) {
    super(
      `team ${team} has no staged key, so its current key stays in use; create a key in Groq's console and stage it: npx groq-rbac groq-key stage --team ${team} --env ${environmentName}`,
    );
    this.team = team;
  }
}

/** The time in which a concurrent run may still be creating its key, in milliseconds: longer than the function's timeout. */
const KEY_CREATION_WINDOW_MS = 300_000;

/** A request for the next key of a secret, for the version `token`. */
export type NextKeyRequest = {
  readonly secret: GroqSecret;
  readonly state: SecretState;
  readonly token: string;
  readonly current: GroqKey;
};

/**
 * Returns the first key of the team's queue that Groq accepts. The refused ones before it leave the queue, so that a
 * mistyped key does not block the next one; but none does while Groq refuses every key, as in an outage.
 *
 * @throws StagedKeyMissingError if no key is left; RotationError while Groq refuses every key of the team.
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
    throw new RotationError(`Groq refuses every key of team ${state.team}, the current one too; no key is changed`);
  for (const { staged, key } of refused) {
    await notifyStagedKeyRefused(ports, state.team, key);
    // The label goes last: after a crash before it, a retry finds the same key and reports it again.
    await secret.removeLabel(staged.label, staged.versionId);
  }
  if (next === undefined) throw new StagedKeyMissingError(state.team, ports.environmentName);
  return next;
}

/** Creates a key by the upstream's API. Deletes the key that a crashed run of the same step created. */
export async function createKeyByApi(ports: GroqKeyPorts, request: NextKeyRequest): Promise<GroqKey> {
  const { records, keyApi, environmentName, nowEpochMs } = ports;
  const { token, current } = request;
  const { team } = request.state;
  const listed = await keyApi.list(current.apiKey);
  const taken = new Set([...listed, ...(await records.list(team))].map(({ name = '' }) => name));
  const wanted = nextGroqKeyName(team, environmentName, nowEpochMs, taken);
  const { name, isRetry, atEpochMs } = await records.beginKeyCreation(team, token, wanted, nowEpochMs);
  // The name was free when this version's first run recorded it, so a key with that name now is that run's.
  const leftovers = isRetry ? listed.filter((key) => key.name === name) : [];
  if (leftovers.length > 0 && nowEpochMs - atEpochMs < KEY_CREATION_WINDOW_MS)
    throw new RotationError(`another run of this step is creating the key ${name}`);
  for (const { upstreamId } of leftovers) await keyApi.remove(current.apiKey, upstreamId);
  const details = `${name}, by upstream's API`;
  await auditGroqKeyChange(ports, { team, action: 'create_groq_key', keyId: name, uniqueId: token, details });
  const { apiKey, upstreamId } = await keyApi.create(current.apiKey, name);
  return { apiKey, keyId: ports.deriveKeyId(apiKey), name, createdAt: formatUtc(nowEpochMs), upstreamId };
}

/** Records that Groq refuses a staged key, and notifies operators. */
export async function notifyStagedKeyRefused(ports: GroqKeyPorts, team: string, key: GroqKey): Promise<void> {
  await ports.records.setIfAbsent(team, key.keyId, { name: key.name, refusedAtEpochMs: ports.nowEpochMs });
  await notifyOperators(ports, 'staged_key_refused', team, key, {
    lines: [
      `Groq refuses the staged key ${groqKeyDisplayName(key)} of team ${team}. It is out of the queue; stage another.`,
    ],
  });
}
