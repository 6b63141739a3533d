import type { KeyShelf } from './key-operations.ts';
import { type KeyRecord, statusOf } from './key-record.ts';
import { heirOf, rotatedName } from './key-rotation.ts';
import { MS_PER_DAY, utcText } from './period.ts';
import type { AuditLog, KeyStore } from './ports.ts';

/** What Secrets Manager asks of a rotation function; it may ask for each step again. */
export type RotationStep = 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';

/** What the secret of a team's services holds: the key itself, and what it is. */
export type ServiceKey = {
  readonly apiKey: string;
  readonly keyId: string;
  readonly name: string;
  /** In ISO 8601, UTC. */
  readonly createdAt: string;
};

/** One secret, as its versions stand. */
export type SecretState = {
  readonly team: string;
  readonly isRotated: boolean;
  /** The labels of each version, by its id. */
  readonly stages: ReadonlyMap<string, readonly string[]>;
};

/** The secret that is rotated. */
export interface ServiceSecret {
  state(): Promise<SecretState>;
  /** What a version holds, or undefined when that is no key: nothing yet, or the placeholder of a new secret. */
  read(versionId: string): Promise<ServiceKey | undefined>;
  /** Gives the pending version its key; returns the one it has, which is another's when that came first. */
  putPending(versionId: string, key: ServiceKey): Promise<ServiceKey>;
  moveCurrent(to: string, from: string | undefined): Promise<void>;
}

/** What a rotation needs of the world. */
export type ServiceRotationPorts = {
  readonly secret: ServiceSecret;
  readonly shelf: Pick<KeyShelf, 'read' | 'replace'>;
  /** Stores a key's record and hash unless there is a key of its id. */
  readonly putIfAbsent: (key: string, record: KeyRecord) => Promise<void>;
  /** What the authorizer asks. */
  readonly keys: KeyStore;
  readonly audit: AuditLog;
  /** A new key whose id follows from the text. */
  readonly mint: (text: string) => { readonly key: string; readonly keyId: string };
  readonly environmentName: string;
  readonly nowEpochMs: number;
};

/** A rotation that cannot go on; Secrets Manager tries the step again, and says so where the secret is described. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
}

/** How long the old key goes on beside the new one, in milliseconds, before its use is looked at. */
const OVERLAP_MS = MS_PER_DAY;
const CURRENT = 'AWSCURRENT';
const ACTOR = 'rotation';

/**
 * One step of rotating the key that a team's services read from Secrets Manager. Each may be told again, also after a
 * crash at any point: the new key is in the secret before it works, its id follows from the version's, and what has been
 * done is found done.
 *
 * @throws RotationError for a version that is not the one being rotated, as AWS documents, and for a key that does not work.
 */
export async function rotateServiceKey(ports: ServiceRotationPorts, step: RotationStep, token: string): Promise<void> {
  const state = await ports.secret.state();
  const labels = state.stages.get(token);
  if (!state.isRotated) throw new RotationError('the secret is not set to be rotated');
  if (labels === undefined) throw new RotationError('the secret has no such version');
  if (labels.includes(CURRENT)) {
    if (step === 'finishSecret') await replaceOld(ports, state, token, labelled(state, 'AWSPREVIOUS'));
    return;
  }
  if (!labels.includes('AWSPENDING'))
    throw new RotationError('the version is not the pending one: another took its place');
  if (step === 'createSecret') await create(ports, state, token);
  if (step === 'testSecret') await test(ports, state, token);
  if (step === 'finishSecret') await finish(ports, state, token);
}

async function create(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const { secret, environmentName, nowEpochMs } = ports;
  const { team } = state;
  const old = await oldKey(ports, team, labelled(state, CURRENT));
  const minted = ports.mint(`${team} ${token}`);
  const pending =
    (await secret.read(token)) ??
    (await secret.putPending(token, {
      apiKey: minted.key,
      keyId: minted.keyId,
      name: rotatedName(`${team}-${environmentName}-service`, nowEpochMs),
      createdAt: utcText(nowEpochMs),
    }));
  const { apiKey, keyId, name } = pending;
  if ((await ports.shelf.read(keyId)) !== undefined) return;
  await record(ports, team, 'create_key', keyId, `${name}, role member, for the team's secret`);
  const created = { createdAtEpochMs: nowEpochMs, createdBy: ACTOR };
  await ports.putIfAbsent(apiKey, { ...heirOf(old), keyId, name, team, role: 'member', ...created });
}

/** By the very code that the authorizer runs, so a key that passes works. */
async function test({ secret, keys }: ServiceRotationPorts, { team }: SecretState, token: string): Promise<ServiceKey> {
  const pending = await secret.read(token);
  if (pending === undefined) throw new RotationError('the pending version holds no key');
  const identity = await keys.identify(pending.apiKey);
  if (identity === undefined) throw new RotationError(`the pending key ${pending.keyId} does not work`);
  if (identity.team !== team) throw new RotationError(`the pending key ${pending.keyId} is not a key of team ${team}`);
  return pending;
}

async function finish(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const pending = await test(ports, state, token);
  const current = labelled(state, CURRENT);
  const old = await oldKey(ports, state.team, current);
  // Before the act: what cannot be recorded is not done.
  const until = utcText(ports.nowEpochMs + OVERLAP_MS);
  const details = `${old?.name ?? 'no key'} → ${pending.name}, key ${pending.keyId}; both work until ${until}`;
  await record(ports, state.team, 'rotate_key', old?.keyId ?? pending.keyId, details);
  await ports.secret.moveCurrent(token, current);
  await replaceOld(ports, state, token, current);
}

/** Marks the key of a version as replaced; it stays as it is when it has been replaced, revoked or expired before. */
async function replaceOld(
  ports: ServiceRotationPorts,
  { team }: SecretState,
  token: string,
  version: string | undefined,
): Promise<void> {
  const [old, current] = [await oldKey(ports, team, version), await ports.secret.read(token)];
  if (old === undefined || current === undefined || old.keyId === current.keyId) return;
  if (statusOf(old, ports.nowEpochMs) !== 'active') return;
  await ports.shelf.replace(old.keyId, current.keyId, ports.nowEpochMs + OVERLAP_MS);
}

/** The record of a version's key: none before the first rotation, and none of another team. */
async function oldKey(
  { secret, shelf }: ServiceRotationPorts,
  team: string,
  version: string | undefined,
): Promise<KeyRecord | undefined> {
  const key = version === undefined ? undefined : await secret.read(version);
  const found = key === undefined ? undefined : await shelf.read(key.keyId);
  return found?.team === team ? found : undefined;
}

function labelled({ stages }: SecretState, label: string): string | undefined {
  return [...stages].find(([, labels]) => labels.includes(label))?.[0];
}

async function record(
  { audit, nowEpochMs }: ServiceRotationPorts,
  team: string,
  action: string,
  keyId: string,
  details: string,
): Promise<void> {
  const id = `${action}-${keyId}`;
  await audit.append({ atEpochMs: nowEpochMs, id, actor: ACTOR, action, subject: `key ${keyId}`, team, details });
}
