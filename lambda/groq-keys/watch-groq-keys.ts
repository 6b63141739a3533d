import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { formatUtc, hourAt, MS_PER_DAY } from '../kernel/period.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import type { SecretState } from '../secrets/secret-rotation.ts';
import { findVersion, VERSION_LABEL } from '../secrets/secret-versions.ts';
import { notifyOperators } from './groq-key-events.ts';
import { notifyStagedKeyMissing } from './groq-key-notifications.ts';
import type { GroqKeyPorts, GroqSecret } from './groq-key-ports.ts';
import type { GroqKeyRecord } from './groq-key-record.ts';
import { isAccepted } from './groq-key-source.ts';
import { type ActiveGroqKeys, completePromotion, OVERLAP_MS, readActiveGroqKeys } from './promote-groq-key.ts';
import { completeRollback, rollBackGroqKey } from './roll-back-groq-key.ts';

/** What the watch needs beside the ports of a rotation. */
export type GroqKeyWatchPorts = GroqKeyPorts & {
  /** A team's secret, which may have no version yet. */
  readonly secretFor: (team: string) => GroqSecret;
  /** Lets Secrets Manager begin a rotation. */
  readonly startRotation: (team: string) => Promise<void>;
};

/** What the watch did for a team. */
export type GroqKeyWatchResult =
  | 'not due'
  | 'no key'
  | 'accepted'
  | 'rotation under way'
  | 'rotation started'
  | 'returned'
  | 'return ended'
  | 'staged key missing';

/** How long a current key is trusted without asking Groq, in milliseconds, while no call was refused. */
const CHECK_INTERVAL_MS = 3_600_000;
/** How long a pending version may stand untouched, in milliseconds, before it is taken for what a dead rotation left. */
const STALE_PENDING_AFTER_MS = 15 * 60_000;

type WatchContext = { readonly ports: GroqKeyWatchPorts; readonly policy: TeamPolicy; readonly secret: GroqSecret };

/**
 * Looks after one team's current key: asks Groq whether it takes it, while a rotation is young, calls were refused or an
 * hour has passed. A key that Groq refuses gives its place back to the one before it, or to the next staged one. What a
 * dead rotation left is cleared away, and a rotation that is due by the policy is begun.
 */
export async function watchGroqKey(ports: GroqKeyWatchPorts, policy: TeamPolicy): Promise<GroqKeyWatchResult> {
  const { team } = policy;
  const known = await ports.records.list(team);
  if (!(await isDue(ports, team, known))) return 'not due';
  const watched: WatchContext = { ports, policy, secret: ports.secretFor(team) };
  const state = await clearStalePending(watched, await watched.secret.state());
  const keys = await readActiveGroqKeys(watched.secret, state);
  const { current } = keys;
  if (current === undefined) return 'no key';
  const record = known.find(({ keyId }) => keyId === current.keyId);
  const bad = known.find(({ keyId }) => keyId === record?.replacedBy);
  if (bad?.returnedAtEpochMs !== undefined) {
    await completeRollback(ports, watched.secret, state, { bad, good: current });
    return 'return ended';
  }
  const isUnderWay = isPending(state);
  const isRevoked = record?.revokedAtEpochMs !== undefined;
  if (!isRevoked && (await isAccepted(ports, team, current))) {
    // Also when it was put there by hand: the registry says what the labels say, as they are after the answer.
    await completePromotion(ports, watched.secret, await watched.secret.state());
    if (isUnderWay) return 'rotation under way';
    return isRotationDue(ports, policy, record) ? await startNextRotation(watched, state, current) : 'accepted';
  }
  if (isUnderWay) return 'rotation under way';
  return await replaceRefusedKey(watched, state, { ...keys, current }, known);
}

async function isDue(ports: GroqKeyWatchPorts, team: string, known: readonly GroqKeyRecord[]): Promise<boolean> {
  const { nowEpochMs } = ports;
  const current = known.filter(isInUse);
  const probedAtEpochMs = Math.max(0, ...current.map((key) => key.probedAtEpochMs ?? 0));
  if (nowEpochMs - probedAtEpochMs >= CHECK_INTERVAL_MS) return true;
  const isYoung = (atEpochMs: number | undefined) => atEpochMs !== undefined && nowEpochMs - atEpochMs < OVERLAP_MS;
  if (current.some(({ revokedAtEpochMs }) => revokedAtEpochMs !== undefined)) return true;
  // Somebody was asked for a key, and the alarm is to ring until there is one.
  if (current.some(({ remindedAtEpochMs }) => isYoung(remindedAtEpochMs))) return true;
  // A pending key that was not promoted may have been left by a rotation that died.
  if (known.some((key) => isYoung(key.replacedAtEpochMs) || isYoung(key.createdAtEpochMs))) return true;
  const rows = await ports.use.readGroqKeyUse(team, hourAt(nowEpochMs - CHECK_INTERVAL_MS), hourAt(nowEpochMs));
  return rows.some((row) => row.refused > 0 && current.some(({ keyId }) => keyId === row.keyId));
}

function isInUse(key: GroqKeyRecord): boolean {
  return (
    key.currentFromEpochMs !== undefined && key.replacedAtEpochMs === undefined && key.returnedAtEpochMs === undefined
  );
}

/** The state without a pending label that nobody has touched for a while: it would stop every rotation to come. */
async function clearStalePending({ ports, secret }: WatchContext, state: SecretState): Promise<SecretState> {
  const pending = findVersion(state.stages, VERSION_LABEL.pending);
  if (pending === undefined || ports.nowEpochMs - state.changedAtEpochMs < STALE_PENDING_AFTER_MS) return state;
  await secret.removeLabel(VERSION_LABEL.pending, pending);
  if (isPending(state))
    await notifyOperators(
      ports,
      'pending_label_removed',
      state.team,
      { keyId: (await secret.read(pending))?.keyId ?? '' },
      {
        lines: [
          `A rotation of team ${state.team}'s Groq key has not gone on since ${formatUtc(state.changedAtEpochMs)}; its pending version is dropped, and the next rotation can begin.`,
        ],
      },
    );
  return await secret.state();
}

/** Whether a version other than the current one is pending. */
function isPending({ stages }: SecretState): boolean {
  const pending = findVersion(stages, VERSION_LABEL.pending);
  return pending !== undefined && pending !== findVersion(stages, VERSION_LABEL.current);
}

function isRotationDue(
  { nowEpochMs }: GroqKeyWatchPorts,
  { rotateGroqKeyEveryDays }: TeamPolicy,
  record: GroqKeyRecord | undefined,
): boolean {
  if (rotateGroqKeyEveryDays === null || record?.currentFromEpochMs === undefined) return false;
  return nowEpochMs - record.currentFromEpochMs >= rotateGroqKeyEveryDays * MS_PER_DAY;
}

/** Groq refuses the current key, or an operator has switched it off and the rotation that follows has died. */
async function replaceRefusedKey(
  watched: WatchContext,
  state: SecretState,
  { current, previous }: ActiveGroqKeys & { readonly current: GroqKey },
  known: readonly GroqKeyRecord[],
): Promise<GroqKeyWatchResult> {
  const { ports, secret, policy } = watched;
  const before = known.find(({ keyId }) => keyId === previous?.keyId);
  const isYoung = ports.nowEpochMs - (before?.replacedAtEpochMs ?? 0) < OVERLAP_MS;
  const canGoBack = previous !== undefined && before?.revokedAtEpochMs === undefined;
  // Long after a promotion, the key before it is about to be deleted; a staged one has a future.
  if (canGoBack && (isYoung || !(await hasNextStagedKey(ports, policy, state, current)))) {
    if (await isAccepted(ports, policy.team, previous)) {
      await rollBackGroqKey(ports, secret, state, { bad: current, good: previous });
      return 'returned';
    }
  }
  return await startNextRotation(watched, state, current);
}

async function hasNextStagedKey(
  ports: GroqKeyWatchPorts,
  { team }: TeamPolicy,
  { stages }: SecretState,
  current: GroqKey,
): Promise<boolean> {
  return (
    (await ports.keySourceFor(team)) === 'staged' && stagedQueue(stages).some(({ keyId }) => keyId !== current.keyId)
  );
}

async function startNextRotation(
  { ports, policy }: WatchContext,
  state: SecretState,
  current: GroqKey,
): Promise<GroqKeyWatchResult> {
  const { team } = policy;
  const isStaged = (await ports.keySourceFor(team)) === 'staged';
  if (!isStaged || (await hasNextStagedKey(ports, policy, state, current))) {
    await ports.startRotation(team);
    return 'rotation started';
  }
  await notifyStagedKeyMissing(ports, team, current);
  return 'staged key missing';
}
