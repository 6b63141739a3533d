import type { GroqKey } from '../groq/groq-key-versions.ts';
import {
  RotationError,
  type RotationStep,
  readLabelled,
  readPending,
  runRotationStep,
  type SecretState,
} from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { isAccepted, isAnyActiveKeyAccepted, removeFromQueue } from './active-groq-keys.ts';
import { auditGroqKeyChange } from './groq-key-audit.ts';
import { notifyStagedKeyMissing } from './groq-key-notifications.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import { createKeyByApi, notifyStagedKeyRefused, StagedKeyMissingError, takeStagedKey } from './groq-key-source.ts';
import { completePromotion, toRecordPatch } from './promote-groq-key.ts';

/** A rotation of one secret to the version `token`; `state` is as read when the step began. */
type Rotation = {
  readonly ports: GroqKeyPorts;
  readonly secret: GroqSecret;
  readonly state: SecretState;
  readonly token: string;
};

/**
 * Runs one step of rotating a team's Groq key. Steps are idempotent, also after a crash between any two writes, and the
 * current key stays in use until Groq has accepted the next one.
 *
 * @throws RotationError if the version is not the one being rotated, as AWS requires; if no key is staged; and if Groq
 * refuses the new key, whose version then stops being pending so that it does not block the next rotation.
 */
export async function rotateGroqKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  step: RotationStep,
  token: string,
): Promise<void> {
  const state = await secret.state();
  const rotation = { ports, secret, state, token };
  await runRotationStep(state, step, token, {
    create: async () => await create(rotation),
    test: async () => await testPendingKey(rotation),
    finish: async () => await finish(rotation),
    complete: async () => await completePromotion(ports, secret, state),
  });
}

async function create(rotation: Rotation): Promise<void> {
  const { ports, secret, state, token } = rotation;
  const { team } = state;
  const current = await readCurrentKey(rotation);
  const pending = (await secret.read(token)) ?? (await fillPendingVersion(rotation, current));
  if (pending.keyId === current.keyId) {
    await secret.removeLabel(VERSION_LABEL.pending, token);
    throw new RotationError(`the pending version holds the current key ${current.keyId}; it is pending no longer`);
  }
  const facts = { ...toRecordPatch(pending), createdAtEpochMs: ports.nowEpochMs };
  await ports.records.setIfAbsent(team, pending.keyId, facts);
  await ports.records.update(team, pending.keyId, { versionId: token, replaces: current.keyId });
}

/** Writes the team's next key into the pending version. */
async function fillPendingVersion({ ports, secret, state, token }: Rotation, current: GroqKey): Promise<GroqKey> {
  const isCreatedByApi = (await ports.keySourceFor(state.team)) === 'admin-api';
  const takeNext = isCreatedByApi ? createKeyByApi : takeStagedKey;
  const next = await takeNext(ports, { secret, state, token, current }).catch(async (error: unknown) => {
    if (error instanceof StagedKeyMissingError) await notifyStagedKeyMissing(ports, state.team, current);
    throw error;
  });
  const pending = await secret.put(token, next, VERSION_LABEL.pending);
  // A concurrent run of this step wrote its key first: nobody will ever use the one created here.
  if (pending.keyId !== next.keyId && next.upstreamId !== undefined)
    await ports.keyApi.remove(current.apiKey, next.upstreamId);
  return pending;
}

/** Tests the pending key with a real call to Groq; returns it. */
async function testPendingKey({ ports, secret, state, token }: Rotation): Promise<GroqKey> {
  const { team } = state;
  const pending = await readPending(secret, token);
  if (await isAccepted(ports, team, pending)) {
    await ports.records.setIfAbsent(team, pending.keyId, { testedAtEpochMs: ports.nowEpochMs });
    return pending;
  }
  // While Groq refuses every key, as in an outage, this refusal proves nothing and the key stays in the queue.
  if (await isAnyActiveKeyAccepted(ports, secret, state)) {
    await notifyStagedKeyRefused(ports, team, pending);
    await removeFromQueue(secret, state.stages, pending.keyId);
  }
  // Last, so that a retry repeats the rest. If it stayed, the pending version would block every later rotation.
  await secret.removeLabel(VERSION_LABEL.pending, token);
  throw new RotationError(`Groq refuses the pending key ${pending.keyId}; the current one stays in use`);
}

async function finish(rotation: Rotation): Promise<void> {
  const { ports, secret, state, token } = rotation;
  const pending = await testPendingKey(rotation);
  const current = await readCurrentKey(rotation);
  // The audit entry comes first: if it cannot be written, nothing changes.
  const details = `${current.name ?? current.keyId} → ${pending.name ?? pending.keyId} (Groq key ${pending.keyId})`;
  const change = { team: state.team, keyId: current.keyId, uniqueId: token, details };
  await auditGroqKeyChange(ports, { action: 'rotate_groq_key', ...change });
  await secret.moveCurrent(token, findVersion(state.stages, VERSION_LABEL.current));
  await completePromotion(ports, secret, await secret.state());
}

async function readCurrentKey({ ports, secret, state: { team, stages } }: Rotation): Promise<GroqKey> {
  const current = await readLabelled(secret, stages, VERSION_LABEL.current);
  if (current !== undefined) return current;
  throw new RotationError(
    `team ${team} has no Groq key yet; set its first: npx groq-rbac groq-key set --team ${team} --env ${ports.environmentName}`,
  );
}
