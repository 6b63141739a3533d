import { isObject } from '../kernel/json/json-object.ts';

/** The billed tokens of a completion. `cachedTokens` are part of `promptTokens`; reasoning is part of `completionTokens`. */
export type BilledTokens = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
};

/** The tokens that one completion used. */
export type TokenUsage = BilledTokens & { readonly reasoningTokens: number };

/**
 * Parses Groq's `usage` object. Returns undefined if the actual cost cannot be computed from it: a figure is missing or
 * malformed, there are no prompt tokens, or the figures contradict each other. Each chat template makes prompt tokens, and
 * reasoning is part of the completion (groq-sdk 1.6.0, CompletionUsage, read 2026-11-30), so a contradiction means that
 * tokens may be billed which the figures read here leave out.
 */
export function parseUsage(value: unknown): TokenUsage | undefined {
  if (!isObject(value)) return undefined;
  const details = value.prompt_tokens_details;
  const usage = {
    promptTokens: value.prompt_tokens,
    completionTokens: value.completion_tokens,
    cachedTokens: isObject(details) ? (details.cached_tokens ?? 0) : 0,
  };
  const output = value.completion_tokens_details;
  const reasoning = isObject(output) ? output.reasoning_tokens : 0;
  // Reasoning is not billed separately, so a malformed figure does not invalidate the others.
  const reasoningTokens = isCount(reasoning) ? reasoning : 0;
  const { promptTokens, completionTokens, cachedTokens } = usage;
  if (!isCount(promptTokens) || !isCount(completionTokens) || !isCount(cachedTokens)) return undefined;
  if (reasoningTokens > completionTokens) return undefined;
  if (promptTokens === 0 || cachedTokens > promptTokens) return undefined;
  if ((value.total_tokens ?? promptTokens + completionTokens) !== promptTokens + completionTokens) return undefined;
  return { promptTokens, completionTokens, cachedTokens, reasoningTokens };
}

/** The limits of what one call can use. */
export type UsageLimits = { readonly contextWindow: number; readonly maxOutputTokens: number };

/**
 * True if a call can have used this: its output is within the limit that was sent, and the whole within the model's
 * window. A figure beyond them is wrong, and one wrong figure could use up a budget many times over.
 */
export function isPossibleUsage(usage: BilledTokens, { contextWindow, maxOutputTokens }: UsageLimits): boolean {
  const { promptTokens, completionTokens } = usage;
  return completionTokens <= maxOutputTokens && promptTokens + completionTokens <= contextWindow;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
