/** Tokens and calls of one model. */
export type ModelCount = {
  requests: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  /** The part of `completionTokens` that was reasoning. */
  reasoningTokens: number;
};

/** The calls that the fake has served: those that Groq would bill. */
export type ServedCounts = {
  requests: number;
  /** Refused with an error, which is not billed. */
  refused: number;
  /** Billed, by model. Includes calls whose client disconnected, because Groq bills what it generated. */
  byModel: Record<string, ModelCount>;
  /** Generated, but cut off or without usage, so that the response does not show the cost. */
  interruptedByModel: Record<string, ModelCount>;
  clientGone: number;
  inFlight: number;
  maxInFlight: number;
  /** Calls by the last four characters of their key. */
  byKeySuffix: Record<string, number>;
};

/** Counts of zero. */
export function emptyServedCounts(): ServedCounts {
  return {
    requests: 0,
    refused: 0,
    byModel: {},
    interruptedByModel: {},
    clientGone: 0,
    inFlight: 0,
    maxInFlight: 0,
    byKeySuffix: {},
  };
}

/** Adds one call's tokens to its model's count. */
export function addUsage(counts: Record<string, ModelCount>, model: string, usage: Omit<ModelCount, 'requests'>): void {
  const count = counts[model] ?? {
    requests: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
  };
  counts[model] = {
    requests: count.requests + 1,
    promptTokens: count.promptTokens + usage.promptTokens,
    cachedTokens: count.cachedTokens + usage.cachedTokens,
    completionTokens: count.completionTokens + usage.completionTokens,
    reasoningTokens: count.reasoningTokens + usage.reasoningTokens,
  };
}
