import { expect, it } from 'vitest';
import {
  classifyFailure,
  type FailureKind,
  isKeyAccepted,
  nextStep,
  type RetryProgress,
  type RetryStep,
} from '../../../lambda/groq/retry-step.ts';

it.each<[number | undefined, boolean, FailureKind, boolean]>([
  [401, false, 'key_refused', false],
  [429, false, 'busy', true],
  [498, false, 'busy', true],
  [503, false, 'busy', true],
  [400, false, 'refused', true],
  [403, false, 'refused', true],
  [500, false, 'refused', true],
  [502, false, 'refused', true],
  [undefined, true, 'not_sent', false],
  [undefined, false, 'unknown', true],
])('classifies status %s, connect failure %s as %s, key accepted: %s', (status, isConnectFailure, kind, isAccepted) => {
  expect(classifyFailure(status, isConnectFailure)).toBe(kind);
  expect(isKeyAccepted(kind)).toBe(isAccepted);
});

const FAIL: RetryStep = { kind: 'fail' };
const wait = (ms: number): RetryStep => ({ kind: 'wait', ms });

it.each<[string, FailureKind, number | undefined, Partial<RetryProgress>, RetryStep]>([
  ['switches a refused key', 'key_refused', undefined, {}, { kind: 'switch_key' }],
  ['switches a refused key after the last send too', 'key_refused', undefined, { sends: 9 }, { kind: 'switch_key' }],
  ["fails on Groq's refusal", 'refused', 1_000, {}, FAIL],
  ['fails without a connection', 'not_sent', undefined, {}, FAIL],
  ['never repeats a call whose outcome is unknown', 'unknown', undefined, {}, FAIL],
  ['honours retry-after', 'busy', 3_000, {}, wait(3_000)],
  ['honours a retry-after of zero', 'busy', 0, {}, wait(0)],
  ['backs off first by 250 ms less jitter', 'busy', undefined, {}, wait(187.5)],
  ['doubles the backoff', 'busy', undefined, { sends: 3 }, wait(750)],
  ['fails after four sends', 'busy', 1, { sends: 4 }, FAIL],
  ['waits until the deadline', 'busy', 2_000, { leftMs: 2_000 }, wait(2_000)],
  ['never waits beyond the deadline', 'busy', 2_001, { leftMs: 2_000 }, FAIL],
  ['waits up to ten seconds in all', 'busy', 4_000, { waitedMs: 6_000 }, wait(4_000)],
  ['never waits longer than ten seconds in all', 'busy', 4_001, { waitedMs: 6_000 }, FAIL],
])('%s', (_title, kind, retryAfterMs, progress, expected) => {
  expect(nextStep({ kind, retryAfterMs }, { sends: 1, waitedMs: 0, leftMs: 60_000, ...progress }, 0.5)).toEqual(
    expected,
  );
});
