import { ceilDivide, type PicoUsd, picoUsd } from '../kernel/money.ts';
import type { ChatModel, TranscriptionModel } from './catalog.ts';
import type { BilledTokens } from './token-usage.ts';

/** The exact cost of a chat completion: uncached and cached input and output, each at its price. */
export function chatCost(model: ChatModel, usage: BilledTokens): PicoUsd {
  const uncached = BigInt(usage.promptTokens - usage.cachedTokens);
  return picoUsd(
    uncached * model.inputTokenPicoUsd +
      BigInt(usage.cachedTokens) * model.cachedInputTokenPicoUsd +
      BigInt(usage.completionTokens) * model.outputTokenPicoUsd,
  );
}

/** The most that a call can cost: all of its input uncached. */
export function worstCaseCost(model: ChatModel, inputTokens: number, outputTokens: number): PicoUsd {
  const highestInputPicoUsd =
    model.cachedInputTokenPicoUsd > model.inputTokenPicoUsd ? model.cachedInputTokenPicoUsd : model.inputTokenPicoUsd;
  return picoUsd(BigInt(inputTokens) * highestInputPicoUsd + BigInt(outputTokens) * model.outputTokenPicoUsd);
}

/** How many output tokens an amount pays for after the input; negative when it does not even pay the input. */
export function affordableOutputTokens(model: ChatModel, inputTokens: number, budget: PicoUsd): number {
  const left = budget - worstCaseCost(model, inputTokens, 0);
  if (left < 0n) return -1;
  if (model.outputTokenPicoUsd === 0n) return model.maxOutputTokens;
  const tokens = left / model.outputTokenPicoUsd;
  return tokens > BigInt(model.maxOutputTokens) ? model.maxOutputTokens : Number(tokens);
}

const MICROSECONDS_PER_HOUR = 3_600_000_000n;

/** The cost of transcribing audio by its length in seconds, not less than the billed minimum, rounded up once. */
export function audioCost(model: TranscriptionModel, seconds: number): PicoUsd {
  const billed = BigInt(Math.ceil(Math.max(seconds, model.minimumBilledSeconds) * 1_000_000));
  return picoUsd(ceilDivide(billed * model.audioHourPicoUsd, MICROSECONDS_PER_HOUR));
}
