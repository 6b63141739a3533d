import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groqKeyIdOf } from '../../lambda/groq/io/groq-key-id.ts';
import { groqKeyStateOf } from '../../lambda/groq-keys/groq-key-record.ts';
import { watchGroqKey } from '../../lambda/groq-keys/watch-groq-keys.ts';
import type { TeamPolicy } from '../../lambda/policy/environment.ts';
import { GROQ_KEY_SOURCES } from '../../lambda/policy/environment-schema.ts';
import { VERSION_LABEL } from '../../lambda/secrets/secret-versions.ts';
import { GroqKeyWorld, isDeath, ROTATION_STEPS, TEAM, tokenOf } from '../support/keys/groq-key-world.ts';

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
  return isDeath(error) || names.includes(name);
}

async function perform(world: GroqKeyWorld, act: Act, index: number): Promise<void> {
  const token = tokenOf(act.token);
  world.dieAfter(act.writes);
  try {
    if (act.kind === 'step') await world.step(act.step, token);
    if (act.kind === 'rotate') await rotateUpTo(world, act);
    if (act.kind === 'stage') world.stage(`gsk_staged_${index}`);
    if (act.kind === 'stage bad') world.stage(`gsk_bad_${index}`, false);
    if (act.kind === 'wait') world.nowEpochMs += 3_600_000;
    if (act.kind === 'stray') await stray(world);
    if (act.kind === 'revoke next') await revokeNext(world);
    if (act.kind === 'watch') await watch(world);
  } catch (error) {
    if (!isExpected(error)) throw error;
  } finally {
    world.dieAfter(Number.POSITIVE_INFINITY);
    world.nowEpochMs += 1_000;
  }
}

/** Secrets Manager begins a rotation, which gets no further than a step. */
async function rotateUpTo(world: GroqKeyWorld, { token, step }: Act): Promise<void> {
  world.begin(tokenOf(token));
  for (const next of ROTATION_STEPS.slice(0, ROTATION_STEPS.indexOf(step) + 1)) await world.step(next, tokenOf(token));
}

/** Somebody puts the label onto the version before the current one. */
async function stray(world: GroqKeyWorld): Promise<void> {
  const { stages } = await world.secret.state();
  const holder = (label: string) => [...stages].find(([, labels]) => labels.includes(label))?.[0];
  world.label(VERSION_LABEL.pending, holder(VERSION_LABEL.previous), holder(VERSION_LABEL.pending));
}

/** A key that waits is deleted in Groq's console. */
async function revokeNext(world: GroqKeyWorld): Promise<void> {
  const pending = await world.labelled(VERSION_LABEL.pending);
  const current = await world.current();
  if (pending !== undefined && pending.apiKey !== current) world.accepted.delete(pending.apiKey);
}

async function watch(world: GroqKeyWorld): Promise<void> {
  const startRotation = async () => world.begin(tokenOf(`watch-${world.nowEpochMs}`));
  await watchGroqKey({ ...world.ports, secretOf: () => world.secret, startRotation }, POLICY);
}

it('never leaves a team without a key that works, and can always rotate once more, whatever came between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GROQ_KEY_SOURCES),
      fc.array(ACT, { minLength: 5, maxLength: 40 }),
      async (source, acts) => {
        const world = new GroqKeyWorld(source);
        for (const [index, act] of acts.entries()) {
          const before = new Set(world.accepted);
          await perform(world, act, index);
          const current = await world.current();
          expect(world.accepted, `after ${act.kind}`).toContain(current);
          // Nobody takes a key in use from Groq, but who was told to.
          for (const key of before) if (key === current) expect(world.accepted).toContain(key);
          expect(await world.queue()).not.toContain(undefined);
        }
        const last = await world.current();
        // What is left standing is cleared away by the watch after a while.
        world.nowEpochMs += 2 * 3_600_000;
        await watch(world);
        world.stage('gsk_at_last');
        for (let tries = 0; tries < 2; tries++) {
          try {
            await world.rotate(tokenOf(`last-${tries}`));
            break;
          } catch (error) {
            if (!isExpected(error)) throw error;
          }
        }
        const current = await world.current();
        expect(current).not.toBe(last);
        expect(world.accepted).toContain(current);
        expect(await world.labelled(VERSION_LABEL.pending)).toBeUndefined();
        const record = await world.records.read(TEAM, groqKeyIdOf(current ?? ''));
        expect(groqKeyStateOf(record ?? {})).toBe('current');
        const states = (await world.records.list(TEAM)).map(groqKeyStateOf);
        expect(states.filter((state) => state === 'current')).toHaveLength(1);
        const told = JSON.stringify([world.news, [...world.reports], world.entries]);
        expect(told).not.toContain('gsk_');
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
