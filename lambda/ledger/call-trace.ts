/** Facts about a call other than its cost, for usage and monitoring; admission never reads them. */
export type CallTrace = {
  /** The time spent waiting for Groq, in whole milliseconds. */
  readonly upstreamMs: number;
  readonly groqKeys: GroqKeyTrace;
};

/** The ids of the Groq keys that a call was sent with. */
export type GroqKeyTrace = {
  /** The key that Groq accepted; undefined if it accepted none. */
  readonly usedId: string | undefined;
  /** The keys that Groq refused (401), in the order of the attempts. */
  readonly refusedIds: readonly string[];
};

/** The trace of a call without a Groq key. */
export const NO_GROQ_KEYS: GroqKeyTrace = { usedId: undefined, refusedIds: [] };

/** The trace of a call that was never sent. */
export const NO_TRACE: CallTrace = { upstreamMs: 0, groqKeys: NO_GROQ_KEYS };
