import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { picoUsd, subtractUsd, toUsdString } from '../../../lambda/kernel/money.ts';
import type { ChatModel, TranscriptionModel } from '../../../lambda/pricing/catalog.ts';
import {
  affordableOutputTokens,
  audioCost,
  chatCost,
  maxInputCost,
  worstCaseCost,
} from '../../../lambda/pricing/pricing.ts';
import { parseUsage } from '../../../lambda/pricing/token-usage.ts';
import { catalog } from '../../support/catalog.ts';

const gpt20 = catalog.models.get('openai/gpt-oss-20b') as ChatModel;
const whisper = catalog.models.get('whisper-large-v3') as TranscriptionModel;

describe('pricing', () => {
  it('bills uncached input, cached input and output each at its price', () => {
    expect(
      toUsdString(chatCost(gpt20, { promptTokens: 1_000_000, cachedTokens: 400_000, completionTokens: 100_000 })),
    ).toBe('0.09');
  });

  it.each([
    [0, '0.000308333334'],
    [10, '0.000308333334'],
    [10.5, '0.00032375'],
    [3600, '0.111'],
  ])('never bills audio at nothing: %d s are billed per second, at least ten, rounded up once', (seconds, usd) => {
    expect(toUsdString(audioCost(whisper, seconds))).toBe(usd);
  });

  it('never bills above the maximum cost that was reserved', () => {
    fc.assert(
      fc.property(
        fc.nat(131_072),
        fc.nat(65_536),
        fc.nat(100),
        fc.nat(100),
        (input, output, inputShare, cachedShare) => {
          const promptTokens = Math.floor((input * inputShare) / 100);
          const cachedTokens = Math.floor((promptTokens * cachedShare) / 100);
          expect(chatCost(gpt20, { promptTokens, cachedTokens, completionTokens: output })).toBeLessThanOrEqual(
            worstCaseCost(gpt20, input, output),
          );
        },
      ),
    );
  });

  it('finds the maximum output that an amount pays for', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.bigInt({ min: 0n, max: 10n ** 11n }), (input, amount) => {
        const output = affordableOutputTokens(gpt20, subtractUsd(picoUsd(amount), maxInputCost(gpt20, input)));
        if (output < 0) {
          expect(worstCaseCost(gpt20, input, 0)).toBeGreaterThan(amount);
          return;
        }
        expect(worstCaseCost(gpt20, input, output)).toBeLessThanOrEqual(amount);
        if (output < gpt20.maxOutputTokens) expect(worstCaseCost(gpt20, input, output + 1)).toBeGreaterThan(amount);
      }),
    );
  });
});

describe('parseUsage', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const read = { promptTokens: 10, cachedTokens: 0, completionTokens: 5, reasoningTokens: 0 };
  it.each([
    [usage, read],
    [
      { ...usage, prompt_tokens_details: { cached_tokens: 4 } },
      { ...read, cachedTokens: 4 },
    ],
    [{ ...usage, prompt_tokens_details: null }, read],
    [
      { ...usage, completion_tokens_details: { reasoning_tokens: 3 } },
      { ...read, reasoningTokens: 3 },
    ],
    // Reasoning is not billed separately, so a malformed figure does not invalidate the others.
    [{ ...usage, completion_tokens_details: { reasoning_tokens: 'some' } }, read],
  ])('parses %j', (value, expected) => {
    expect(parseUsage(value)).toEqual(expected);
  });

  it.each([
    [undefined],
    [null],
    [[]],
    [{}],
    [{ ...usage, prompt_tokens: -1 }],
    [{ ...usage, completion_tokens: '5' }],
    [{ ...usage, completion_tokens: 0.5 }],
    [{ ...usage, prompt_tokens_details: { cached_tokens: 11 } }],
    [{ prompt_tokens: 0, completion_tokens: 0 }],
  ])('returns undefined, never zero usage, for %j', (value) => {
    expect(parseUsage(value)).toBeUndefined();
  });
});
