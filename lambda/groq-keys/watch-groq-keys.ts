import { type GroqKey, stagedQueue } from '../groq/groq-key-versions.ts';
import { hourOf, MS_PER_DAY, utcText } from '../kernel/period.ts';
import type { TeamPolicy } from '../policy/environment.ts';
import { VERSION_LABEL, versionWith } from '../secrets/secret-versions.ts';
import type { GroqKeyPorts, GroqSecret, GroqSecretState } from './groq-key-ports.ts';
import type { GroqKeyRecord } from './groq-key-record.ts';
import { tellMissing } from './groq-key-reminders.ts';
import { isAccepted } from './groq-key-source.ts';
import { type KeysInUse, keysInUse, OVERLAP_MS, promotion } from './promote-groq-key.ts';
import { endReturn, giveBack } from './return-groq-key.ts';

/** What the watch needs beside the ports of a rotation. */
export type WatchPorts = GroqKeyPorts & {
  /** A team's secret, which may have no version yet. */
  readonly secretOf: (team: string) => GroqSecret;
  /** Lets Secrets Manager begin a rotation. */
  readonly startRotation: (team: string) => Promise<void>;
};

/** What the watch did for a team. */
export type WatchedTeam =
  | 'not due'
  | 'no key'
  | 'accepted'
  | 'rotation under way'
  | 'rotation started'
  | 'returned'
  | 'return ended'
  | 'staged key missing';

/** How long a current key is trusted without asking Groq, in milliseconds, while no call was refused. */
const TRUSTED_MS = 3_600_000;
/** How long a pending version may stand untouched, in milliseconds, before it is taken for what a dead rotation left. */
const STRAY_AFTER_MS = 15 * 60_000;

type Watched = { readonly ports: WatchPorts; readonly policy: TeamPolicy; readonly secret: GroqSecret };

/**
 * Looks after one team's current key: asks Groq whether it takes it, while a rotation is young, calls were refused or an
 * hour has passed. A key that Groq refuses gives its place back to the one before it, or to the next staged one. What a
 * dead rotation left is cleared away, and a rotation that is due by the policy is begun.
 */
export async function watchGroqKey(ports: WatchPorts, policy: TeamPolicy): Promise<WatchedTeam> {
  const { team } = policy;
  const known = await ports.records.list(team);
  if (!(await isDue(ports, team, known))) return 'not due';
  const watched: Watched = { ports, policy, secret: ports.secretOf(team) };
  const state = await clearStray(watched, await watched.secret.state());
  const keys = await keysInUse(watched.secret, state);
  const { current } = keys;
  if (current === undefined) return 'no key';
  const record = known.find(({ keyId }) => keyId === current.keyId);
  const bad = known.find(({ keyId }) => keyId === record?.replacedBy);
  if (bad?.returnedAtEpochMs !== undefined) {
    await endReturn(ports, watched.secret, state, { bad, good: current });
    return 'return ended';
  }
  const isUnderWay = isPending(state);
  const isRevoked = record?.revokedAtEpochMs !== undefined;
  if (!isRevoked && (await isAccepted(ports, team, current))) {
    // Also when it was put there by hand: the registry says what the labels say, as they are after the answer.
    await promotion(ports, watched.secret, await watched.secret.state());
    if (isUnderWay) return 'rotation under way';
    return isRotationDue(ports, policy, record) ? await begin(watched, state, current) : 'accepted';
  }
  if (isUnderWay) return 'rotation under way';
  return await leaveRefused(watched, state, { ...keys, current }, known);
}

async function isDue(ports: WatchPorts, team: string, known: readonly GroqKeyRecord[]): Promise<boolean> {
  const { nowEpochMs } = ports;
  const current = known.filter(isInUse);
  const probedAtEpochMs = Math.max(0, ...current.map((key) => key.probedAtEpochMs ?? 0));
  if (nowEpochMs - probedAtEpochMs >= TRUSTED_MS) return true;
  const isYoung = (atEpochMs: number | undefined) => atEpochMs !== undefined && nowEpochMs - atEpochMs < OVERLAP_MS;
  if (current.some(({ revokedAtEpochMs }) => revokedAtEpochMs !== undefined)) return true;
  // Somebody was asked for a key, and the alarm is to ring until there is one.
  if (current.some(({ remindedAtEpochMs }) => isYoung(remindedAtEpochMs))) return true;
  // A pending key that was not promoted may have been left by a rotation that died.
  if (known.some((key) => isYoung(key.replacedAtEpochMs) || isYoung(key.createdAtEpochMs))) return true;
  const rows = await ports.use.useOf(team, hourOf(nowEpochMs - TRUSTED_MS), hourOf(nowEpochMs));
  return rows.some((row) => row.refused > 0 && current.some(({ keyId }) => keyId === row.keyId));
}

function isInUse(key: GroqKeyRecord): boolean {
  return (
    key.currentFromEpochMs !== undefined && key.replacedAtEpochMs === undefined && key.returnedAtEpochMs === undefined
  );
}

/** The state without a pending label that nobody has touched for a while: it would stop every rotation to come. */
async function clearStray({ ports, secret }: Watched, state: GroqSecretState): Promise<GroqSecretState> {
  const pending = versionWith(state.stages, VERSION_LABEL.pending);
  if (pending === undefined || ports.nowEpochMs - state.changedAtEpochMs < STRAY_AFTER_MS) return state;
  await secret.unlabel(VERSION_LABEL.pending, pending);
  if (isPending(state))
    await ports.herald.tell({
      kind: 'pending_label_removed',
      team: state.team,
      atEpochMs: ports.nowEpochMs,
      keyId: (await secret.read(pending))?.keyId ?? '',
      keyName: '',
      lines: [
        `A rotation of team ${state.team}'s Groq key has not gone on since ${utcText(state.changedAtEpochMs)}; its pending version is dropped, and the next rotation can begin.`,
      ],
    });
  return await secret.state();
}

/** Whether a version other than the current one is pending. */
function isPending({ stages }: GroqSecretState): boolean {
  const pending = versionWith(stages, VERSION_LABEL.pending);
  return pending !== undefined && pending !== versionWith(stages, VERSION_LABEL.current);
}

function isRotationDue(
  { nowEpochMs }: WatchPorts,
  { rotateGroqKeyEveryDays }: TeamPolicy,
  record: GroqKeyRecord | undefined,
): boolean {
  if (rotateGroqKeyEveryDays === null || record?.currentFromEpochMs === undefined) return false;
  return nowEpochMs - record.currentFromEpochMs >= rotateGroqKeyEveryDays * MS_PER_DAY;
}

/** Groq refuses the current key, or an operator has switched it off and the rotation that follows has died. */
async function leaveRefused(
  watched: Watched,
  state: GroqSecretState,
  { current, previous }: KeysInUse & { readonly current: GroqKey },
  known: readonly GroqKeyRecord[],
): Promise<WatchedTeam> {
  const { ports, secret, policy } = watched;
  const before = known.find(({ keyId }) => keyId === previous?.keyId);
  const isYoung = ports.nowEpochMs - (before?.replacedAtEpochMs ?? 0) < OVERLAP_MS;
  const canGoBack = previous !== undefined && before?.revokedAtEpochMs === undefined;
  // Long after a promotion, the key before it is about to be deleted; a staged one has a future.
  if (canGoBack && (isYoung || !(await hasNext(ports, policy, state, current)))) {
    if (await isAccepted(ports, policy.team, previous)) {
      await giveBack(ports, secret, state, { bad: current, good: previous });
      return 'returned';
    }
  }
  return await begin(watched, state, current);
}

async function hasNext(
  ports: WatchPorts,
  { team }: TeamPolicy,
  { stages }: GroqSecretState,
  current: GroqKey,
): Promise<boolean> {
  return (await ports.sourceOf(team)) === 'staged' && stagedQueue(stages).some(({ keyId }) => keyId !== current.keyId);
}

async function begin({ ports, policy }: Watched, state: GroqSecretState, current: GroqKey): Promise<WatchedTeam> {
  const { team } = policy;
  const isStaged = (await ports.sourceOf(team)) === 'staged';
  if (!isStaged || (await hasNext(ports, policy, state, current))) {
    await ports.startRotation(team);
    return 'rotation started';
  }
  await tellMissing(ports, team, current);
  return 'staged key missing';
}
