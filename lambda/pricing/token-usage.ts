import { isObject } from '../kernel/json-object.ts';

/** What a completion is billed by, in tokens; `cachedTokens` are part of the prompt, reasoning is part of the completion. */
export type BilledTokens = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
};

/** What one completion used. */
export type TokenUsage = BilledTokens & { readonly reasoningTokens: number };

/**
 * Reads Groq's `usage` object. Returns undefined for anything that cannot be billed by: a missing or odd figure, more
 * cached tokens than prompt, or a call that is said to have used nothing, for then the true cost is unknown.
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
  // Nothing is billed by it: an odd figure leaves the others good.
  const reasoningTokens = isCount(reasoning) ? Math.min(reasoning, completionTokens) : 0;
  return { promptTokens, completionTokens, cachedTokens, reasoningTokens };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
