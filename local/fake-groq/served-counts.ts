/** Tokens and calls of one model. */
export type ModelCount = {
  requests: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  /** The part of `completionTokens` that was reasoning. */
  reasoningTokens: number;
};

/** What the fake has served: what Groq would have on its bill. */
export type ServedCounts = {
  requests: number;
  /** Answered by an error, which bills nothing. */
  refused: number;
  /** Billed, per model; also when the client went away in the middle, since Groq bills what it made. */
  byModel: Record<string, ModelCount>;
  /** Made, but broken off or without usage, so that no one can tell from the answer what they cost. */
  interruptedByModel: Record<string, ModelCount>;
  clientGone: number;
  inFlight: number;
  maxInFlight: number;
  /** Calls by the last four characters of their key. */
  byKeySuffix: Record<string, number>;
};

/** A fresh count. */
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
