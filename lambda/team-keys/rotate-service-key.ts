import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import type { KeyStore } from '../access/key-store.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import {
  type RotatableSecret,
  RotationError,
  type RotationStep,
  rotationState,
  type SecretState,
} from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import type { KeyRepository } from './key-operations.ts';
import { inheritScope, nextKeyName } from './key-rotation.ts';

/** What the secret of a team's services holds: the key itself, and what it is. */
export type ServiceKey = {
  readonly apiKey: string;
  readonly keyId: string;
  readonly name: string;
  /** In ISO 8601, UTC. */
  readonly createdAt: string;
};

/** The secret that is rotated. */
export type ServiceSecret = RotatableSecret<ServiceKey>;

/** What a rotation needs of the world. */
export type ServiceRotationPorts = {
  readonly secret: ServiceSecret;
  readonly repository: Pick<KeyRepository, 'read' | 'replace'>;
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

/** How long the old key goes on beside the new one, in milliseconds, before its use is looked at. */
const OVERLAP_MS = MS_PER_DAY;
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
  if (rotationState(state, token) === 'current') {
    if (step === 'finishSecret')
      await replaceOld(ports, state, token, findVersion(state.stages, VERSION_LABEL.previous));
    return;
  }
  if (step === 'createSecret') await create(ports, state, token);
  if (step === 'testSecret') await testPendingKey(ports, state, token);
  if (step === 'finishSecret') await finish(ports, state, token);
}

async function create(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const { secret, environmentName, nowEpochMs } = ports;
  const { team } = state;
  const old = await readKeyRecord(ports, team, findVersion(state.stages, VERSION_LABEL.current));
  const minted = ports.mint(`${team} ${token}`);
  const pending =
    (await secret.read(token)) ??
    (await secret.putPending(token, {
      apiKey: minted.key,
      keyId: minted.keyId,
      name: nextKeyName(`${team}-${environmentName}-service`, nowEpochMs),
      createdAt: formatUtc(nowEpochMs),
    }));
  const { apiKey, keyId, name } = pending;
  if ((await ports.repository.read(keyId)) !== undefined) return;
  await record(ports, team, 'create_key', keyId, `${name}, role member, for the team's secret`);
  const created = { createdAtEpochMs: nowEpochMs, createdBy: ACTOR };
  await ports.putIfAbsent(apiKey, { ...inheritScope(old), keyId, name, team, role: 'member', ...created });
}

/** By the very code that the authorizer runs, so a key that passes works. */
async function testPendingKey(
  { secret, keys }: ServiceRotationPorts,
  { team }: SecretState,
  token: string,
): Promise<ServiceKey> {
  const pending = await secret.read(token);
  if (pending === undefined) throw new RotationError('the pending version holds no key');
  const identity = await keys.identify(pending.apiKey);
  if (identity === undefined) throw new RotationError(`the pending key ${pending.keyId} does not work`);
  if (identity.team !== team) throw new RotationError(`the pending key ${pending.keyId} is not a key of team ${team}`);
  return pending;
}

async function finish(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const pending = await testPendingKey(ports, state, token);
  const current = findVersion(state.stages, VERSION_LABEL.current);
  const old = await readKeyRecord(ports, state.team, current);
  // Before the act: what cannot be recorded is not done.
  const until = formatUtc(ports.nowEpochMs + OVERLAP_MS);
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
  const [old, current] = [await readKeyRecord(ports, team, version), await ports.secret.read(token)];
  if (old === undefined || current === undefined || old.keyId === current.keyId) return;
  if (keyStatus(old, ports.nowEpochMs) !== 'active') return;
  await ports.repository.replace(old.keyId, current.keyId, ports.nowEpochMs + OVERLAP_MS);
}

/** The record of a version's key: none before the first rotation, and none of another team. */
async function readKeyRecord(
  { secret, repository }: ServiceRotationPorts,
  team: string,
  version: string | undefined,
): Promise<KeyRecord | undefined> {
  const key = version === undefined ? undefined : await secret.read(version);
  const found = key === undefined ? undefined : await repository.read(key.keyId);
  return found?.team === team ? found : undefined;
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
