import { describe, expect, it } from 'vitest';
import { isPossibleUsage, parseUsage } from '../../../lambda/pricing/token-usage.ts';

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const read = { promptTokens: 10, completionTokens: 5, cachedTokens: 0, reasoningTokens: 0 };

describe('parseUsage', () => {
  it.each<[string, object, object]>([
    ['plain figures', usage, read],
    ['no total', { ...usage, total_tokens: undefined }, read],
    ['details that are null', { ...usage, prompt_tokens_details: null, completion_tokens_details: null }, read],
    ['no output', { prompt_tokens: 10, completion_tokens: 0 }, { ...read, completionTokens: 0 }],
    [
      'cached and reasoning tokens',
      { ...usage, prompt_tokens_details: { cached_tokens: 10 }, completion_tokens_details: { reasoning_tokens: 5 } },
      { ...read, cachedTokens: 10, reasoningTokens: 5 },
    ],
  ])('reads %s', (_title, value, expected) => {
    expect(parseUsage(value)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a list', [10, 5]],
    ['negative output', { ...usage, completion_tokens: -5, total_tokens: 5 }],
    ['a negative prompt', { ...usage, prompt_tokens: -1 }],
    ['half a token', { ...usage, completion_tokens: 4.5, total_tokens: 14.5 }],
    ['a count beyond safe integers', { prompt_tokens: 10, completion_tokens: 2 ** 53 }],
    ['a count as text', { ...usage, completion_tokens: '5' }],
    ['no prompt tokens', { prompt_tokens: 0, completion_tokens: 5, total_tokens: 5 }],
    ['all zero', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['more cached tokens than prompt tokens', { ...usage, prompt_tokens_details: { cached_tokens: 11 } }],
    ['negative cached tokens', { ...usage, prompt_tokens_details: { cached_tokens: -1 } }],
    ['more reasoning than output', { ...usage, completion_tokens_details: { reasoning_tokens: 6 } }],
    ['a total above the sum', { ...usage, total_tokens: 500 }],
    ['a total below the sum', { ...usage, total_tokens: 14 }],
    ['a total as text', { ...usage, total_tokens: '15' }],
  ])('does not read %s', (_title, value) => {
    expect(parseUsage(value)).toBeUndefined();
  });
});

it.each([
  ['within both limits', 900, 100, true],
  ['output above its limit', 10, 101, false],
  ['a prompt above the window', 1_001, 0, false],
  ['prompt and output above the window', 950, 100, false],
])('judges whether a call can have used %s', (_title, promptTokens, completionTokens, isPossible) => {
  const tokens = { promptTokens, completionTokens, cachedTokens: 0 };
  expect(isPossibleUsage(tokens, { contextWindow: 1_000, maxOutputTokens: 100 })).toBe(isPossible);
});
