import { describe, expect, it } from 'vitest';
import {
  parseDurationMs,
  parseRateLimitHeaders,
  parseRateLimitRefusal,
} from '../../../../lambda/groq/io/groq-limits.ts';

const told = {
  'x-ratelimit-limit-tokens': '6000',
  'x-ratelimit-remaining-tokens': '5500',
  'x-ratelimit-reset-tokens': '5s',
};
const tokens = { perWindow: 6_000, remaining: 5_500, resetAfterMs: 5_000 };
const tpm =
  'Rate limit reached on tokens per minute (TPM): Limit 6000, Used 500, Requested 5600. Please try again in 1s.';

describe("Groq's durations", () => {
  it.each([
    ['24ms', 24],
    ['7.66s', 7_660],
    ['2m59.56s', 179_560],
    ['1h2m3s', 3_723_000],
    ['240µs', 0.24],
    ['1.5us', 0.0015],
    ['0s', 0],
    ['1d', 86_400_000],
  ])('reads %s', (text, ms) => {
    expect(parseDurationMs(text)).toBeCloseTo(ms, 6);
  });

  it.each(['', '7', 's', '-1s', '1s ', '1 s', '1x', '1.s', '1e3s', 'Infinity', `${'1s'.repeat(50)}`])(
    'takes "%s" for none',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );
});

describe("Groq's limit headers", () => {
  it('are read, each limit by itself', () => {
    expect(parseRateLimitHeaders(new Headers(told))).toEqual({ tokens });
  });

  it.each([
    ['x-ratelimit-limit-tokens', '0'],
    ['x-ratelimit-limit-tokens', ''],
    ['x-ratelimit-limit-tokens', '6e3'],
    ['x-ratelimit-limit-tokens', '9'.repeat(400)],
    ['x-ratelimit-remaining-tokens', '6001'],
    ['x-ratelimit-remaining-tokens', '-1'],
    ['x-ratelimit-remaining-tokens', 'unlimited'],
  ])('are left out when %s is odd: "%s"', (name, value) => {
    expect(parseRateLimitHeaders(new Headers({ ...told, [name]: value }))).toEqual({});
  });

  it('are read without a time to refill that is odd', () => {
    expect(parseRateLimitHeaders(new Headers({ ...told, 'x-ratelimit-reset-tokens': 'soon' }))).toEqual({
      tokens: { perWindow: 6_000, remaining: 5_500 },
    });
  });
});

describe("Groq's 429", () => {
  it.each([
    ['tokens a minute', tpm, 'tokens'],
    ['requests a day', tpm.replace('tokens per minute (TPM)', 'requests per day (RPD)'), 'requests'],
    ['requests a minute, which no header tells of', tpm.replace('TPM', 'RPM'), undefined],
    ['tokens a day, which no header tells of', tpm.replace('TPM', 'TPD'), undefined],
    ['input tokens a minute, which no header tells of', tpm.replace('TPM', 'ITPM'), undefined],
    ['something that is a property of every object', tpm.replace('TPM', 'toString'), undefined],
    ['nothing', '', undefined],
  ])('names %s', (_what, message, by) => {
    expect(parseRateLimitRefusal(new Headers({ ...told, 'retry-after': '2' }), message)).toEqual({
      tokens,
      refused: { retryAfterMs: 2_000, by },
    });
  });

  it('is believed for a second when it has no retry-after', () => {
    expect(parseRateLimitRefusal(new Headers(), tpm)).toEqual({ refused: { retryAfterMs: 1_000, by: 'tokens' } });
  });
});
