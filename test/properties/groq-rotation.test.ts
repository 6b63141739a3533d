import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { groqKeyState } from '../../lambda/groq-keys/groq-key-record.ts';
import { watchGroqKey } from '../../lambda/groq-keys/watch/watch-groq-keys.ts';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { GROQ_KEY_SOURCES } from '../../lambda/policy/environment-schema.ts';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { GroqKeyTestRig, isProcessCrash, ROTATION_STEPS, rotationToken, TEAM } from '../support/keys/groq-key-rig.ts';

/** A step of a sequence; the process may crash after some writes. */
const STEP = fc.record({
  kind: fc.constantFrom(
    ...([
      'step',
      'step',
      'step',
      'rotate',
      'rotate',
      'stage',
      'stage',
      'stage bad',
      'revoke next',
      'stray',
      'watch',
      'wait',
    ] as const),
  ),
  step: fc.constantFrom(...ROTATION_STEPS),
  token: fc.constantFrom('a', 'b'),
  writes: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(6)),
});
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

const POLICY = { team: TEAM, rotateGroqKeyEveryDays: null } as TeamPolicy;

/** Returns true for the only errors that Secrets Manager and the processes may end with. */
function isExpected(error: unknown): boolean {
  const { name } = error instanceof Error ? error : { name: '' };
  const names = ['RotationError', 'StagedKeyMissing', 'InvalidRequestException', 'InvalidParameterException'];
  return isProcessCrash(error) || names.includes(name);
}

async function perform(rig: GroqKeyTestRig, action: Step, index: number): Promise<void> {
  const token = rotationToken(action.token);
  rig.crashAfter(action.writes);
  try {
    if (action.kind === 'step') await rig.step(action.step, token);
    if (action.kind === 'rotate') await rotateUpTo(rig, action);
    if (action.kind === 'stage') rig.stage(`gsk_staged_${index}`);
    if (action.kind === 'stage bad') rig.stage(`gsk_bad_${index}`, false);
    if (action.kind === 'wait') rig.nowEpochMs += 3_600_000;
    if (action.kind === 'stray') await stray(rig);
    if (action.kind === 'revoke next') await revokeNext(rig);
    if (action.kind === 'watch') await watch(rig);
  } catch (error) {
    if (!isExpected(error)) throw error;
  } finally {
    rig.crashAfter(Number.POSITIVE_INFINITY);
    rig.nowEpochMs += 1_000;
  }
}

/** Starts a rotation and runs it up to a step. */
async function rotateUpTo(rig: GroqKeyTestRig, { token, step }: Step): Promise<void> {
  rig.begin(rotationToken(token));
  for (const next of ROTATION_STEPS.slice(0, ROTATION_STEPS.indexOf(step) + 1))
    await rig.step(next, rotationToken(token));
}

/** Moves the pending label to the previous version by hand. */
async function stray(rig: GroqKeyTestRig): Promise<void> {
  const { stages } = await rig.secret.state();
  const holder = (label: string) => [...stages].find(([, labels]) => labels.includes(label))?.[0];
  rig.label(VERSION_LABEL.pending, holder(VERSION_LABEL.previous), holder(VERSION_LABEL.pending));
}

/** Deletes the pending key in Groq's console. */
async function revokeNext(rig: GroqKeyTestRig): Promise<void> {
  const pending = await rig.keyWithLabel(VERSION_LABEL.pending);
  const current = await rig.current();
  if (pending !== undefined && pending.apiKey !== current) rig.accepted.delete(pending.apiKey);
}

async function watch(rig: GroqKeyTestRig): Promise<void> {
  const startRotation = async () => rig.begin(rotationToken(`watch-${rig.nowEpochMs}`));
  await watchGroqKey({ ...rig.ports, secretFor: () => rig.secret, startRotation }, POLICY);
}

it('always keeps a valid current key, and can always rotate once more, after any sequence of steps and crashes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GROQ_KEY_SOURCES),
      fc.array(STEP, { minLength: 5, maxLength: 40 }),
      async (source, actions) => {
        const rig = new GroqKeyTestRig(source);
        for (const [index, action] of actions.entries()) {
          const before = new Set(rig.accepted);
          await perform(rig, action, index);
          const current = await rig.current();
          expect(rig.accepted, `after ${action.kind}`).toContain(current);
          // No step deletes a key in use at Groq.
          for (const key of before) if (key === current) expect(rig.accepted).toContain(key);
          expect(await rig.queue()).not.toContain(undefined);
        }
        const last = await rig.current();
        // The watch clears a stale pending version after a while.
        rig.nowEpochMs += 2 * 3_600_000;
        await watch(rig);
        rig.stage('gsk_at_last');
        for (let tries = 0; tries < 2; tries++) {
          try {
            await rig.rotate(rotationToken(`last-${tries}`));
            break;
          } catch (error) {
            if (!isExpected(error)) throw error;
          }
        }
        const current = await rig.current();
        expect(current).not.toBe(last);
        expect(rig.accepted).toContain(current);
        expect(await rig.keyWithLabel(VERSION_LABEL.pending)).toBeUndefined();
        const record = await rig.records.read(TEAM, deriveGroqKeyId(current ?? ''));
        expect(groqKeyState(record ?? {})).toBe('current');
        const states = (await rig.records.list(TEAM)).map(groqKeyState);
        expect(states.filter((state) => state === 'current')).toHaveLength(1);
        const written = JSON.stringify([rig.events, [...rig.reports], rig.entries]);
        expect(written).not.toContain('gsk_');
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
