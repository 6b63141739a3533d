import { isObject } from '../kernel/json-object.ts';

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
 * malformed, there are more cached tokens than prompt tokens, or all figures are zero.
 */
export function parseUsage(value: unknown): TokenUsage | undefined {
  if (!isObject(value)) return undefined;
  const details = value.prompt_tokens_details;
  const usage = {
    promptTokens: value.prompt_tokens,
    completionTokens: value.completion_tokens,
    cachedTokens: isObject(details) ? (details.cached_tokens ?? 0) : 0,
  };
  const reasoning = isObject(value.completion_tokens_details) ? value.completion_tokens_details.reasoning_tokens : 0;
  const { promptTokens, completionTokens, cachedTokens } = usage;
  if (!isCount(promptTokens) || !isCount(completionTokens) || !isCount(cachedTokens)) return undefined;
  if (cachedTokens > promptTokens || promptTokens + completionTokens === 0) return undefined;
  // Reasoning is not billed separately, so a malformed figure does not invalidate the others.
  const reasoningTokens = isCount(reasoning) ? Math.min(reasoning, completionTokens) : 0;
  return { promptTokens, completionTokens, cachedTokens, reasoningTokens };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
