import type { GroqKey } from '../../groq/groq-key-versions.ts';
import { hourAt, MS_PER_DAY } from '../../kernel/period.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import type { SecretState } from '../../secrets/secret-rotation.ts';
import {
  type ActiveGroqKeys,
  clearStalePending,
  findUnfinishedVersion,
  hasNextStagedKey,
  isAccepted,
  readActiveGroqKeys,
} from '../active-groq-keys.ts';
import { notifyStagedKeyMissing } from '../groq-key-notifications.ts';
import type { GroqKeyPorts, GroqSecret } from '../groq-key-ports.ts';
import { type GroqKeyRecord, isMarkedCurrent } from '../groq-key-record.ts';
import { completePromotion, OVERLAP_MS } from '../promote-groq-key.ts';
import { completeRollback, rollBackGroqKey } from '../roll-back-groq-key.ts';

/** Ports of the watch. */
export type GroqKeyWatchPorts = GroqKeyPorts & {
  /** Opens a team's secret, which may have no version yet. */
  readonly secretFor: (team: string) => GroqSecret;
  /** Makes Secrets Manager start a rotation. */
  readonly startRotation: (team: string) => Promise<void>;
};

/** The watch's action for one team. */
export type GroqKeyWatchResult =
  | 'not due'
  | 'no key'
  | 'accepted'
  | 'rotation in progress'
  | 'rotation started'
  | 'rolled back'
  | 'rollback completed'
  | 'staged key missing';

/** The time between two tests of a current key, in milliseconds, while no call was refused. */
const CHECK_INTERVAL_MS = 3_600_000;

type WatchContext = { readonly ports: GroqKeyWatchPorts; readonly policy: TeamPolicy; readonly secret: GroqSecret };

/**
 * Watches one team's current key. Tests it against Groq every hour, and at every run after a rotation or a refused call.
 * Replaces a refused key by the previous or the next staged one, removes what a crashed rotation left pending, and starts
 * the rotation that the team's policy asks for.
 */
export async function watchGroqKey(ports: GroqKeyWatchPorts, policy: TeamPolicy): Promise<GroqKeyWatchResult> {
  const { team } = policy;
  const known = await ports.records.list(team);
  if (!(await isCheckDue(ports, team, known))) return 'not due';
  const watch: WatchContext = { ports, policy, secret: ports.secretFor(team) };
  const state = await clearStalePending(ports, watch.secret);
  const keys = await readActiveGroqKeys(watch.secret, state);
  const { current } = keys;
  if (current === undefined) return 'no key';
  const record = known.find(({ keyId }) => keyId === current.keyId);
  const bad = known.find(({ keyId }) => keyId === record?.replacedBy);
  if (bad?.returnedAtEpochMs !== undefined) {
    await completeRollback(ports, watch.secret, state, { bad, good: current });
    return 'rollback completed';
  }
  const isRotating = findUnfinishedVersion(state.stages) !== undefined;
  const isRevoked = record?.revokedAtEpochMs !== undefined;
  if (!isRevoked && (await isAccepted(ports, team, current))) {
    // Brings the records in line with the labels, also after a change by hand. The labels are read again: a rotation may
    // have finished while Groq answered.
    await completePromotion(ports, watch.secret, await watch.secret.state());
    if (isRotating) return 'rotation in progress';
    return isRotationDue(ports, policy, record) ? await startNextRotation(watch, state, current) : 'accepted';
  }
  if (isRotating) return 'rotation in progress';
  return await replaceRefusedKey(watch, state, { ...keys, current }, known);
}

async function isCheckDue(
  { nowEpochMs, use }: GroqKeyWatchPorts,
  team: string,
  known: readonly GroqKeyRecord[],
): Promise<boolean> {
  const current = known.filter(isMarkedCurrent);
  const probedAtEpochMs = Math.max(0, ...current.map((key) => key.probedAtEpochMs ?? 0));
  if (nowEpochMs - probedAtEpochMs >= CHECK_INTERVAL_MS) return true;
  const isRecent = (atEpochMs: number | undefined) => atEpochMs !== undefined && nowEpochMs - atEpochMs < OVERLAP_MS;
  if (current.some(({ revokedAtEpochMs }) => revokedAtEpochMs !== undefined)) return true;
  // Operators were asked for a staged key: the alarm's metric is written at every run until there is one.
  if (current.some(({ remindedAtEpochMs }) => isRecent(remindedAtEpochMs))) return true;
  // A recently created key that is not current may belong to a rotation that crashed.
  if (known.some((key) => isRecent(key.replacedAtEpochMs) || isRecent(key.createdAtEpochMs))) return true;
  const rows = await use.readGroqKeyUse(team, hourAt(nowEpochMs - CHECK_INTERVAL_MS), hourAt(nowEpochMs));
  return rows.some((row) => row.refused > 0 && current.some(({ keyId }) => keyId === row.keyId));
}

function isRotationDue(
  { nowEpochMs }: GroqKeyWatchPorts,
  { rotateGroqKeyEveryDays }: TeamPolicy,
  record: GroqKeyRecord | undefined,
): boolean {
  if (rotateGroqKeyEveryDays === null || record?.currentFromEpochMs === undefined) return false;
  return nowEpochMs - record.currentFromEpochMs >= rotateGroqKeyEveryDays * MS_PER_DAY;
}

/** Replaces a current key that Groq refuses, or that an operator revoked without a rotation following. */
async function replaceRefusedKey(
  watch: WatchContext,
  state: SecretState,
  { current, previous }: ActiveGroqKeys & { readonly current: GroqKey },
  known: readonly GroqKeyRecord[],
): Promise<GroqKeyWatchResult> {
  const { ports, secret, policy } = watch;
  const record = known.find(({ keyId }) => keyId === previous?.keyId);
  const isRecent = ports.nowEpochMs - (record?.replacedAtEpochMs ?? 0) < OVERLAP_MS;
  const canRollBack = previous !== undefined && record?.revokedAtEpochMs === undefined;
  // After the overlap the previous key is about to be deleted, so a staged key is better.
  if (canRollBack && (isRecent || !(await hasStagedSuccessor(watch, state, current)))) {
    if (await isAccepted(ports, policy.team, previous)) {
      await rollBackGroqKey(ports, secret, state, { bad: current, good: previous });
      return 'rolled back';
    }
  }
  return await startNextRotation(watch, state, current);
}

async function hasStagedSuccessor({ ports, policy }: WatchContext, { stages }: SecretState, current: GroqKey) {
  return (await ports.keySourceFor(policy.team)) === 'staged' && hasNextStagedKey(stages, current);
}

async function startNextRotation(
  { ports, policy: { team } }: WatchContext,
  { stages }: SecretState,
  current: GroqKey,
): Promise<GroqKeyWatchResult> {
  if ((await ports.keySourceFor(team)) === 'staged' && !hasNextStagedKey(stages, current)) {
    await notifyStagedKeyMissing(ports, team, current);
    return 'staged key missing';
  }
  await ports.startRotation(team);
  return 'rotation started';
}
