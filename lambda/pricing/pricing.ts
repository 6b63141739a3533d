import { addUsd, ceilDivide, type PicoUsd, picoUsd } from '../kernel/money.ts';
import type { ChatModel, TranscriptionModel } from './catalog.ts';
import type { BilledTokens } from './token-usage.ts';

/** The exact cost of a chat completion: uncached input, cached input and output, each at its own price. */
export function chatCost(model: ChatModel, usage: BilledTokens): PicoUsd {
  const uncachedTokens = BigInt(usage.promptTokens - usage.cachedTokens);
  return picoUsd(
    uncachedTokens * model.inputTokenPicoUsd +
      BigInt(usage.cachedTokens) * model.cachedInputTokenPicoUsd +
      BigInt(usage.completionTokens) * model.outputTokenPicoUsd,
  );
}

/** The maximum cost of input tokens: each at the higher of the uncached and the cached price. */
export function maxInputCost(model: ChatModel, inputTokens: number): PicoUsd {
  const { inputTokenPicoUsd, cachedInputTokenPicoUsd } = model;
  const highestPicoUsd = cachedInputTokenPicoUsd > inputTokenPicoUsd ? cachedInputTokenPicoUsd : inputTokenPicoUsd;
  return picoUsd(BigInt(inputTokens) * highestPicoUsd);
}

/** The cost of output tokens. */
export function outputCost(model: ChatModel, outputTokens: number): PicoUsd {
  return picoUsd(BigInt(outputTokens) * model.outputTokenPicoUsd);
}

/** The maximum cost of a call. */
export function worstCaseCost(model: ChatModel, inputTokens: number, outputTokens: number): PicoUsd {
  return addUsd(maxInputCost(model, inputTokens), outputCost(model, outputTokens));
}

/** The number of output tokens that an amount pays for, up to the model's maximum; -1 for a negative amount. */
export function affordableOutputTokens(model: ChatModel, amountPicoUsd: PicoUsd): number {
  if (amountPicoUsd < 0n) return -1;
  if (model.outputTokenPicoUsd === 0n) return model.maxOutputTokens;
  const tokens = amountPicoUsd / model.outputTokenPicoUsd;
  return tokens > BigInt(model.maxOutputTokens) ? model.maxOutputTokens : Number(tokens);
}

const MICROSECONDS_PER_HOUR = 3_600_000_000n;

/** The cost of transcribing audio of this length, or of the billed minimum if that is longer, rounded up once. */
export function audioCost(model: TranscriptionModel, seconds: number): PicoUsd {
  const billedUs = BigInt(Math.ceil(Math.max(seconds, model.minimumBilledSeconds) * 1_000_000));
  return picoUsd(ceilDivide(billedUs * model.audioHourPicoUsd, MICROSECONDS_PER_HOUR));
}
