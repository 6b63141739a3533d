import { expect, it } from 'vitest';
import type { GroqError } from '../../../lambda/groq/groq-error.ts';
import {
  classifyFailure,
  type FailureKind,
  isKeyAccepted,
  nextStep,
  type RetryProgress,
  type RetryStep,
} from '../../../lambda/groq/retry-step.ts';

const GROQS: GroqError = { fields: { message: 'no', type: 'error' }, hasOutput: false, isBlocked: false };
const OUTPUT: GroqError = { ...GROQS, hasOutput: true };
const BLOCKED: GroqError = { ...GROQS, isBlocked: true };
const classify = (status: number | undefined, error: GroqError | undefined, wasSent = true) =>
  classifyFailure({ status, error, wasSent });

it.each<[number, FailureKind, boolean]>([
  [401, 'key_refused', false],
  [429, 'busy', true],
  [498, 'busy', true],
  [503, 'busy', true],
  ...[400, 403, 404, 409, 413, 422, 425, 500, 502, 504, 520].map((status): [number, FailureKind, boolean] => [
    status,
    'refused',
    true,
  ]),
  ...[301, 307, 308, 408, 499].map((status): [number, FailureKind, boolean] => [status, 'unknown', true]),
])("classifies Groq's own error of status %s as %s, key accepted: %s", (status, kind, isAccepted) => {
  expect(classify(status, GROQS)).toBe(kind);
  expect(isKeyAccepted(kind)).toBe(isAccepted);
});

it.each([302, 400, 401, 403, 408, 422, 429, 498, 500, 502, 503, 504, 520, 529])(
  'classifies status %s as unknown if Groq did not write its body, or it shows output of the model',
  (status) => {
    expect(classify(status, undefined)).toBe('unknown');
    expect(classify(status, OUTPUT)).toBe('unknown');
  },
);

it.each([400, 401, 403, 429, 500, 503])('neither retries nor switches keys at a spend limit, status %s', (status) => {
  expect(classify(status, BLOCKED)).toBe('refused');
});

it('decides a call without an answer by whether any byte of it was written', () => {
  expect([classify(undefined, undefined, false), classify(undefined, undefined)]).toEqual(['not_sent', 'unknown']);
  expect([isKeyAccepted('not_sent'), isKeyAccepted('unknown')]).toEqual([false, true]);
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
