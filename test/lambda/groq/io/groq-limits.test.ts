import { describe, expect, it } from 'vitest';
import {
  parseDurationMs,
  parseRateLimitHeaders,
  parseRateLimitRefusal,
} from '../../../../lambda/groq/io/groq-limits.ts';

const headers = {
  'x-ratelimit-limit-tokens': '6000',
  'x-ratelimit-remaining-tokens': '5500',
  'x-ratelimit-reset-tokens': '5s',
};
const tokens = { perWindow: 6_000, remaining: 5_500, resetAfterMs: 5_000 };
const tpm =
  'Rate limit reached on tokens per minute (TPM): Limit 6000, Used 500, Requested 5600. Please try again in 1s.';

describe('parseDurationMs', () => {
  it.each([
    ['24ms', 24],
    ['7.66s', 7_660],
    ['2m59.56s', 179_560],
    ['1h2m3s', 3_723_000],
    ['240µs', 0.24],
    ['1.5us', 0.0015],
    ['0s', 0],
    ['1d', 86_400_000],
  ])('parses %s', (text, ms) => {
    expect(parseDurationMs(text)).toBeCloseTo(ms, 6);
  });

  it.each(['', '7', 's', '-1s', '1s ', '1 s', '1x', '1.s', '1e3s', 'Infinity', `${'1s'.repeat(50)}`])(
    'returns undefined for "%s"',
    (text) => {
      expect(parseDurationMs(text)).toBeUndefined();
    },
  );
});

describe('parseRateLimitHeaders', () => {
  it('parses each limit separately', () => {
    expect(parseRateLimitHeaders(new Headers(headers))).toEqual({ tokens });
  });

  it.each([
    ['x-ratelimit-limit-tokens', '0'],
    ['x-ratelimit-limit-tokens', ''],
    ['x-ratelimit-limit-tokens', '6e3'],
    ['x-ratelimit-limit-tokens', '9'.repeat(400)],
    ['x-ratelimit-remaining-tokens', '6001'],
    ['x-ratelimit-remaining-tokens', '-1'],
    ['x-ratelimit-remaining-tokens', 'unlimited'],
  ])('leaves a limit out if %s is malformed: "%s"', (name, value) => {
    expect(parseRateLimitHeaders(new Headers({ ...headers, [name]: value }))).toEqual({});
  });

  it('leaves a malformed reset time out', () => {
    expect(parseRateLimitHeaders(new Headers({ ...headers, 'x-ratelimit-reset-tokens': 'soon' }))).toEqual({
      tokens: { perWindow: 6_000, remaining: 5_500 },
    });
  });
});

describe('parseRateLimitRefusal', () => {
  it.each([
    ['tokens a minute', tpm, 'tokens'],
    ['requests a day', tpm.replace('tokens per minute (TPM)', 'requests per day (RPD)'), 'requests'],
    ['requests a minute, which no header reports', tpm.replace('TPM', 'RPM'), undefined],
    ['tokens a day, which no header reports', tpm.replace('TPM', 'TPD'), undefined],
    ['input tokens a minute, which no header reports', tpm.replace('TPM', 'ITPM'), undefined],
    ['a name that every object has as a property', tpm.replace('TPM', 'toString'), undefined],
    ['nothing', '', undefined],
  ])('finds the limit in the message: %s', (_title, message, by) => {
    expect(parseRateLimitRefusal(new Headers({ ...headers, 'retry-after': '2' }), message)).toEqual({
      tokens,
      refused: { retryAfterMs: 2_000, by },
    });
  });

  it('takes a second as retry-after if there is none', () => {
    expect(parseRateLimitRefusal(new Headers(), tpm)).toEqual({ refused: { retryAfterMs: 1_000, by: 'tokens' } });
  });
});
