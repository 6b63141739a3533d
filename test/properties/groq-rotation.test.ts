import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveGroqKeyId } from '../../lambda/groq/io/groq-key-id.ts';
import { groqKeyState } from '../../lambda/groq-keys/groq-key-record.ts';
import { watchGroqKey } from '../../lambda/groq-keys/watch-groq-keys.ts';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { GROQ_KEY_SOURCES } from '../../lambda/policy/environment-schema.ts';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { GroqKeyTestRig, isProcessCrash, ROTATION_STEPS, rotationToken, TEAM } from '../support/keys/groq-key-rig.ts';

/** What may happen next; a process that is told to may die after some writes. */
const ACT = fc.record({
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
type Act = typeof ACT extends fc.Arbitrary<infer T> ? T : never;

const POLICY = { team: TEAM, rotateGroqKeyEveryDays: null } as TeamPolicy;

/** What Secrets Manager and the processes do goes wrong only in these ways. */
function isExpected(error: unknown): boolean {
  const { name } = error instanceof Error ? error : { name: '' };
  const names = ['RotationError', 'StagedKeyMissing', 'InvalidRequestException', 'InvalidParameterException'];
  return isProcessCrash(error) || names.includes(name);
}

async function perform(rig: GroqKeyTestRig, act: Act, index: number): Promise<void> {
  const token = rotationToken(act.token);
  rig.crashAfter(act.writes);
  try {
    if (act.kind === 'step') await rig.step(act.step, token);
    if (act.kind === 'rotate') await rotateUpTo(rig, act);
    if (act.kind === 'stage') rig.stage(`gsk_staged_${index}`);
    if (act.kind === 'stage bad') rig.stage(`gsk_bad_${index}`, false);
    if (act.kind === 'wait') rig.nowEpochMs += 3_600_000;
    if (act.kind === 'stray') await stray(rig);
    if (act.kind === 'revoke next') await revokeNext(rig);
    if (act.kind === 'watch') await watch(rig);
  } catch (error) {
    if (!isExpected(error)) throw error;
  } finally {
    rig.crashAfter(Number.POSITIVE_INFINITY);
    rig.nowEpochMs += 1_000;
  }
}

/** Secrets Manager begins a rotation, which gets no further than a step. */
async function rotateUpTo(rig: GroqKeyTestRig, { token, step }: Act): Promise<void> {
  rig.begin(rotationToken(token));
  for (const next of ROTATION_STEPS.slice(0, ROTATION_STEPS.indexOf(step) + 1))
    await rig.step(next, rotationToken(token));
}

/** Somebody puts the label onto the version before the current one. */
async function stray(rig: GroqKeyTestRig): Promise<void> {
  const { stages } = await rig.secret.state();
  const holder = (label: string) => [...stages].find(([, labels]) => labels.includes(label))?.[0];
  rig.label(VERSION_LABEL.pending, holder(VERSION_LABEL.previous), holder(VERSION_LABEL.pending));
}

/** A key that waits is deleted in Groq's console. */
async function revokeNext(rig: GroqKeyTestRig): Promise<void> {
  const pending = await rig.keyWithLabel(VERSION_LABEL.pending);
  const current = await rig.current();
  if (pending !== undefined && pending.apiKey !== current) rig.accepted.delete(pending.apiKey);
}

async function watch(rig: GroqKeyTestRig): Promise<void> {
  const startRotation = async () => rig.begin(rotationToken(`watch-${rig.nowEpochMs}`));
  await watchGroqKey({ ...rig.ports, secretFor: () => rig.secret, startRotation }, POLICY);
}

it('never leaves a team without a key that works, and can always rotate once more, whatever came between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GROQ_KEY_SOURCES),
      fc.array(ACT, { minLength: 5, maxLength: 40 }),
      async (source, acts) => {
        const rig = new GroqKeyTestRig(source);
        for (const [index, act] of acts.entries()) {
          const before = new Set(rig.accepted);
          await perform(rig, act, index);
          const current = await rig.current();
          expect(rig.accepted, `after ${act.kind}`).toContain(current);
          // Nobody takes a key in use from Groq, but who was told to.
          for (const key of before) if (key === current) expect(rig.accepted).toContain(key);
          expect(await rig.queue()).not.toContain(undefined);
        }
        const last = await rig.current();
        // What is left standing is cleared away by the watch after a while.
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
        const told = JSON.stringify([rig.events, [...rig.reports], rig.entries]);
        expect(told).not.toContain('gsk_');
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
