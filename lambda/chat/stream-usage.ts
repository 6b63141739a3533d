import type { TokenUsage } from '../pricing/token-usage.ts';

/** The dearer of two usages, figure by figure: a stream may report its usage more than once. */
export function dearerUsage(a: TokenUsage | undefined, b: TokenUsage | undefined): TokenUsage | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    promptTokens: Math.max(a.promptTokens, b.promptTokens),
    cachedTokens: Math.min(a.cachedTokens, b.cachedTokens),
    completionTokens: Math.max(a.completionTokens, b.completionTokens),
    reasoningTokens: Math.max(a.reasoningTokens, b.reasoningTokens),
  };
}
