import { expect, it } from 'vitest';
import { readUpstreamLimits } from '../../../lambda/functions/environment-variables.ts';

it.each([
  [{}, {}],
  [{ UPSTREAM_FIRST_BYTE_MS: '', UPSTREAM_IDLE_MS: '' }, {}],
  [{ UPSTREAM_FIRST_BYTE_MS: '5000' }, { firstByteMs: 5_000 }],
  [
    { UPSTREAM_FIRST_BYTE_MS: '5000', UPSTREAM_IDLE_MS: '7000' },
    { firstByteMs: 5_000, idleMs: 7_000 },
  ],
])("reads the limits of Groq's answers from %j", (variables, limits) => {
  expect(readUpstreamLimits(variables)).toEqual(limits);
});

it.each(['soon', '-1', '0'])('refuses a limit of %s', (UPSTREAM_IDLE_MS) => {
  expect(() => readUpstreamLimits({ UPSTREAM_IDLE_MS })).toThrow('UPSTREAM_IDLE_MS must be a number of milliseconds');
});
