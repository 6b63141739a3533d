/** What one completion used, in tokens; `cachedTokens` are part of the prompt, reasoning is part of the completion. */
export type TokenUsage = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
};

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
  const { promptTokens, completionTokens, cachedTokens } = usage;
  if (!isCount(promptTokens) || !isCount(completionTokens) || !isCount(cachedTokens)) return undefined;
  if (cachedTokens > promptTokens || promptTokens + completionTokens === 0) return undefined;
  return { promptTokens, completionTokens, cachedTokens };
}

function isObject(value: unknown): value is { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
