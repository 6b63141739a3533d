import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { RotationError, type RotationStep, rotationState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import type { GroqKeyPorts, GroqSecret, GroqSecretState } from './groq-key-ports.ts';
import { notifyStagedKeyMissing } from './groq-key-reminders.ts';
import {
  createKeyByApi,
  isAccepted,
  isAnyActiveKeyAccepted,
  notifyStagedKeyRefused,
  StagedKeyMissingError,
  takeStagedKey,
} from './groq-key-source.ts';
import { completePromotion } from './promote-groq-key.ts';

/**
 * One step of rotating a team's Groq key. Each may be told again, also after a crash between any two writes: what has
 * been done is found done, and nothing is taken from the current key before Groq has taken the next one.
 *
 * @throws RotationError for a version that is not the one being rotated, as AWS documents, for an empty queue, and for a
 * key that Groq refuses, which then no longer stands in the way of the next rotation.
 */
export async function rotateGroqKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  step: RotationStep,
  token: string,
): Promise<void> {
  const state = await secret.state();
  if (rotationState(state, token) === 'current') {
    if (step === 'finishSecret') await completePromotion(ports, secret, state);
    return;
  }
  if (step === 'createSecret') await create(ports, secret, state, token);
  if (step === 'testSecret') await testPendingKey(ports, secret, state, token);
  if (step === 'finishSecret') await finish(ports, secret, state, token);
}

async function create(ports: GroqKeyPorts, secret: GroqSecret, state: GroqSecretState, token: string): Promise<void> {
  const { team } = state;
  const current = await readCurrentKey(ports, secret, state);
  const pending = (await secret.read(token)) ?? (await fillPendingVersion(ports, secret, state, token, current));
  if (pending.keyId === current.keyId) {
    await secret.removeLabel(VERSION_LABEL.pending, token);
    throw new RotationError(`the pending version holds the current key ${current.keyId}; it is pending no longer`);
  }
  const { name, upstreamId } = pending;
  await ports.records.setIfAbsent(team, pending.keyId, {
    ...(name === undefined ? {} : { name }),
    ...(upstreamId === undefined ? {} : { upstreamId }),
    createdAtEpochMs: ports.nowEpochMs,
  });
  await ports.records.update(team, pending.keyId, { versionId: token, replaces: current.keyId });
}

/** Gives the pending version the team's next key. */
async function fillPendingVersion(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  state: GroqSecretState,
  token: string,
  current: GroqKey,
): Promise<GroqKey> {
  const isMade = (await ports.keySourceFor(state.team)) === 'admin-api';
  const next = await (isMade ? createKeyByApi : takeStagedKey)(ports, { secret, state, token, current }).catch(
    async (error: unknown) => {
      if (error instanceof StagedKeyMissingError) await notifyStagedKeyMissing(ports, state.team, current);
      throw error;
    },
  );
  const pending = await secret.putPending(token, next);
  // The same step at the same time has come first: what was made here is nobody's.
  if (pending.keyId !== next.keyId && next.upstreamId !== undefined)
    await ports.keyApi.remove(current.apiKey, next.upstreamId);
  return pending;
}

/** By a real call with the pending key. */
async function testPendingKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  state: GroqSecretState,
  token: string,
): Promise<GroqKey> {
  const { team } = state;
  const pending = await secret.read(token);
  if (pending === undefined) throw new RotationError('the pending version holds no key');
  if (await isAccepted(ports, team, pending)) {
    await ports.records.setIfAbsent(team, pending.keyId, { testedAtEpochMs: ports.nowEpochMs });
    return pending;
  }
  // While Groq refuses every key, this one is not known to be dead, and waits on.
  if (await isAnyActiveKeyAccepted(ports, secret, state)) {
    await notifyStagedKeyRefused(ports, team, pending);
    for (const { label, versionId } of stagedQueue(state.stages).filter(({ keyId }) => keyId === pending.keyId))
      await secret.removeLabel(label, versionId);
  }
  // Last: a pending version that stays would stop every later rotation, with a key that will never work.
  await secret.removeLabel(VERSION_LABEL.pending, token);
  throw new RotationError(`Groq refuses the pending key ${pending.keyId}; the current one stays`);
}

async function finish(ports: GroqKeyPorts, secret: GroqSecret, state: GroqSecretState, token: string): Promise<void> {
  const pending = await testPendingKey(ports, secret, state, token);
  const current = await readCurrentKey(ports, secret, state);
  // Before the act: what cannot be recorded is not done.
  await ports.audit.append({
    atEpochMs: ports.nowEpochMs,
    id: `rotate_groq_key-${token}`,
    actor: 'rotation',
    action: 'rotate_groq_key',
    subject: `Groq key ${current.keyId}`,
    details: `${current.name ?? current.keyId} → ${pending.name ?? pending.keyId} (Groq key ${pending.keyId})`,
    team: state.team,
  });
  await secret.moveCurrent(token, findVersion(state.stages, VERSION_LABEL.current));
  await completePromotion(ports, secret, await secret.state());
}

async function readCurrentKey(
  ports: GroqKeyPorts,
  secret: GroqSecret,
  { team, stages }: GroqSecretState,
): Promise<GroqKey> {
  const versionId = findVersion(stages, VERSION_LABEL.current);
  const current = versionId === undefined ? undefined : await secret.read(versionId);
  if (current !== undefined) return current;
  throw new RotationError(
    `team ${team} has no Groq key yet; set its first: npx groq-rbac groq-key set --team ${team} --env ${ports.environmentName}`,
  );
}
