import { expect, it } from 'vitest';
import { DEFAULT_UPSTREAM_LIMITS, firstByteLimitMs } from '../../../lambda/groq/upstream-limits.ts';

it.each([
  [{ stream: true, max_completion_tokens: 65_536 }, 30_000],
  [{ max_completion_tokens: 4_096 }, 46_384],
  [{ stream: false, max_completion_tokens: 65_536 }, 292_144],
  [{ max_tokens: 1_000 }, 34_000],
  [{ stream: null }, 30_000],
])('limits the wait for the first byte of %j to %i ms', (body, ms) => {
  expect(firstByteLimitMs(body, DEFAULT_UPSTREAM_LIMITS)).toBe(ms);
});
