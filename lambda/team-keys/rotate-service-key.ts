import { type KeyRecord, keyStatus } from '../access/key-record.ts';
import type { KeyStore } from '../access/key-store.ts';
import type { AuditLog } from '../kernel/audit-log.ts';
import { formatUtc, MS_PER_DAY } from '../kernel/period.ts';
import {
  type RotatableSecret,
  RotationError,
  type RotationStep,
  readLabelled,
  readPending,
  runRotationStep,
  type SecretState,
} from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { auditKeyChange } from './key-audit.ts';
import type { KeyRepository } from './key-ports.ts';
import { inheritScope, nextKeyName } from './key-rotation.ts';

/** The value of a service secret: a team key that the team's services read from Secrets Manager. */
export type ServiceKey = {
  readonly apiKey: string;
  readonly keyId: string;
  readonly name: string;
  /** In ISO 8601, UTC. */
  readonly createdAt: string;
};

/** A team's service secret. */
export type ServiceSecret = RotatableSecret<ServiceKey>;

/** Ports of the rotation of a service key. */
export type ServiceRotationPorts = {
  readonly secret: ServiceSecret;
  readonly repository: Pick<KeyRepository, 'read' | 'replace'>;
  /** Stores a key's record and hash unless a key with its id exists. */
  readonly putIfAbsent: (key: string, record: KeyRecord) => Promise<void>;
  /** The store that the authorizer reads. */
  readonly keys: KeyStore;
  readonly audit: AuditLog;
  /** Creates a key with an id derived from the text. */
  readonly mint: (text: string) => { readonly key: string; readonly keyId: string };
  readonly environmentName: string;
  readonly nowEpochMs: number;
};

/** The time that the old key stays valid before retirement looks at its use, in milliseconds. */
const OVERLAP_MS = MS_PER_DAY;
const ACTOR = 'rotation';

/**
 * Runs one step of rotating a team's service key. Steps are idempotent, also after a crash between any two writes: the
 * new key is in the secret before it becomes valid, and its id is derived from the version's.
 *
 * @throws RotationError if the version is not the one being rotated, as AWS requires, and if the new key is not valid.
 */
export async function rotateServiceKey(ports: ServiceRotationPorts, step: RotationStep, token: string): Promise<void> {
  const state = await ports.secret.state();
  await runRotationStep(state, step, token, {
    create: async () => await create(ports, state, token),
    test: async () => await testPendingKey(ports, state, token),
    finish: async () => await finish(ports, state, token),
    complete: async () => await markReplaced(ports, state, token, VERSION_LABEL.previous),
  });
}

async function create(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const { team } = state;
  const { secret, environmentName, nowEpochMs } = ports;
  const old = await readKeyRecord(ports, state, VERSION_LABEL.current);
  const minted = ports.mint(`${team} ${token}`);
  const newKey = {
    apiKey: minted.key,
    keyId: minted.keyId,
    name: nextKeyName(`${team}-${environmentName}-service`, nowEpochMs),
    createdAt: formatUtc(nowEpochMs),
  };
  const pending = (await secret.read(token)) ?? (await secret.put(token, newKey, VERSION_LABEL.pending));
  const { apiKey, keyId, name } = pending;
  if ((await ports.repository.read(keyId)) !== undefined) return;
  await appendAudit(ports, team, 'create_key', keyId, `${name}, role member, for the team's secret`);
  const created = { createdAtEpochMs: nowEpochMs, createdBy: ACTOR };
  await ports.putIfAbsent(apiKey, { ...inheritScope(old), keyId, name, team, role: 'member', ...created });
}

/** Validates the pending key with the authorizer's own code, so a key that passes is accepted there too. */
async function testPendingKey(
  { secret, keys }: ServiceRotationPorts,
  { team }: SecretState,
  token: string,
): Promise<ServiceKey> {
  const pending = await readPending(secret, token);
  const identity = await keys.identify(pending.apiKey);
  if (identity === undefined) throw new RotationError(`the pending key ${pending.keyId} does not work`);
  if (identity.team !== team) throw new RotationError(`the pending key ${pending.keyId} is not a key of team ${team}`);
  return pending;
}

async function finish(ports: ServiceRotationPorts, state: SecretState, token: string): Promise<void> {
  const pending = await testPendingKey(ports, state, token);
  const old = await readKeyRecord(ports, state, VERSION_LABEL.current);
  // The audit entry comes first: if it cannot be written, nothing changes.
  const until = formatUtc(ports.nowEpochMs + OVERLAP_MS);
  const details = `${old?.name ?? 'no key'} → ${pending.name}, key ${pending.keyId}; both work until ${until}`;
  await appendAudit(ports, state.team, 'rotate_key', old?.keyId ?? pending.keyId, details);
  await ports.secret.moveCurrent(token, findVersion(state.stages, VERSION_LABEL.current));
  // The labels as they were read: the version that was current is the old one.
  await markReplaced(ports, state, token, VERSION_LABEL.current);
}

/** Marks the key of a labelled version as replaced by the key of version `token`, if it is still active. */
async function markReplaced(
  ports: ServiceRotationPorts,
  state: SecretState,
  token: string,
  oldLabel: string,
): Promise<void> {
  const old = await readKeyRecord(ports, state, oldLabel);
  const current = await ports.secret.read(token);
  if (old === undefined || current === undefined || old.keyId === current.keyId) return;
  if (keyStatus(old, ports.nowEpochMs) !== 'active') return;
  await ports.repository.replace(old.keyId, current.keyId, ports.nowEpochMs + OVERLAP_MS);
}

/** Returns the record of a labelled version's key; undefined before the first rotation and for another team's key. */
async function readKeyRecord(
  { secret, repository }: ServiceRotationPorts,
  { team, stages }: SecretState,
  label: string,
): Promise<KeyRecord | undefined> {
  const key = await readLabelled(secret, stages, label);
  const record = key === undefined ? undefined : await repository.read(key.keyId);
  return record?.team === team ? record : undefined;
}

async function appendAudit(
  { audit, nowEpochMs }: ServiceRotationPorts,
  team: string,
  action: string,
  keyId: string,
  details: string,
): Promise<void> {
  const entry = { atEpochMs: nowEpochMs, id: `${action}-${keyId}`, actor: ACTOR, action, details };
  await auditKeyChange(audit, { ...entry, key: { keyId, team } });
}
